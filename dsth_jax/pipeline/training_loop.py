"""The loop of a training, which goes on from its last checkpoint."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator

import jax
from ml_collections import ConfigDict

from dsth_jax import train
from dsth_jax.pipeline import collapse
from dsth_jax.pipeline.checkpoint_pace import CheckpointPace
from dsth_jax.pipeline.training_log import (
  LOSSES,
  DivergedError,
  TrainingLog,
)
from dsth_jax.pipeline.workdir import Workdir
from dsth_jax.runtime import distributed, stopping
from dsth_jax.runtime.artifacts import Writer

# The states and losses of the steps that a state has before it.
Steps = Callable[
  [train.TrainState], Iterator[tuple[train.TrainState, jax.Array]]
]


def run_steps(
  workdir: Workdir,
  config: ConfigDict,
  writer: Writer,
  fresh: train.TrainState,
  steps: Steps,
  *,
  name: str,
  total: int,
  batch_size: int,
  rate: str,
  logs: pathlib.Path,
) -> train.TrainState:
  """Takes all steps that no checkpoint has; returns the last state.

  The losses become part of the artifact.

  Args:
    workdir: of the run.
    config: of the run; `train.checkpoint_seconds` and `train.log_every`.
    writer: of the artifact that the training ends in.
    fresh: the state before the first step.
    steps: see `train.fit`.
    name: of the training, for the bar.
    total: steps of the whole training.
    batch_size: images a step.
    rate: the full name of its learning rate, for advice.
    logs: where the losses go, in a folder of this training's own.

  Raises:
    stopping.Stopped: a signal has asked for it; a checkpoint is written.
    ValueError: the loss is not finite.
  """
  checkpoints = train.TrainingCheckpoints(
    workdir.path / "checkpoints", writer.fingerprint
  )
  logs = logs / writer.fingerprint
  state = checkpoints.restore(fresh)
  start = int(state.step)
  losses = [tuple(entry) for entry in checkpoints.notes or ()]
  if start < total:
    log = TrainingLog(
      logs,
      name=name,
      log_every=config.train.log_every,
      batch_size=batch_size,
      start=start,
      total=total,
      losses=losses,
    )
    pace = CheckpointPace(float(config.train.checkpoint_seconds))
    try:
      with contextlib.closing(log):
        state = _follow(steps(state), checkpoints, log, pace)
      losses = log.losses
    except DivergedError as error:
      checkpoints.close()
      raise collapse.diverged(
        config, name, rate, error.step, error.loss
      ) from error
  checkpoints.close()
  writer.write_json(LOSSES, losses)
  writer.num_images = (total - start) * batch_size
  return state


def _follow(
  steps: Iterator[tuple[train.TrainState, jax.Array]],
  checkpoints: train.TrainingCheckpoints,
  log: TrainingLog,
  pace: CheckpointPace,
) -> train.TrainState:
  """Logs and saves what the training yields; returns its last state."""
  with stopping.deferred():
    for state, loss in steps:
      log.update(loss)
      decision = pace.decide()
      if decision.saves or decision.stop:
        since = pace.now()
        checkpoints.save(state, log.losses)
        pace.saved(since)
      if decision.stop:
        checkpoints.close()
        # Also where only another process has got the signal.
        stopping.request(decision.stop)
        distributed.wait_for_all("stopped")
        raise stopping.Stopped(
          decision.stop, f"the training up to step {log.done}"
        )
    log.check(float(loss))
    checkpoints.save(state, log.losses)
  return state
