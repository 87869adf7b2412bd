"""The loop of a training, which goes on from its last checkpoint."""

import pathlib
from collections.abc import Callable, Iterator

import jax
from ml_collections import ConfigDict

from dsth_jax import train
from dsth_jax.pipeline.training_log import TrainingLog
from dsth_jax.pipeline.workdir import Workdir
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
  logs: pathlib.Path,
) -> train.TrainState:
  """Takes all steps that no checkpoint has; returns the last state.

  Args:
    workdir: of the run.
    config: of the run; `train.checkpoint_every` and `train.log_every`.
    writer: of the artifact that the training ends in.
    fresh: the state before the first step.
    steps: see `train.fit`.
    name: of the training, for the bar.
    total: steps of the whole training.
    batch_size: images a step.
    logs: where the losses go.
  """
  checkpoints = train.TrainingCheckpoints(
    workdir.path / "checkpoints", writer.fingerprint
  )
  state = checkpoints.restore(fresh)
  start = int(state.step)
  if start < total:
    log = TrainingLog(
      logs,
      name=name,
      log_every=config.train.log_every,
      batch_size=batch_size,
      start=start,
      total=total,
    )
    remaining = steps(state)
    for state, loss in remaining:
      log.update(loss)
      if log.done % config.train.checkpoint_every == 0:
        checkpoints.save(state)
    checkpoints.save(state)
    log.close()
  checkpoints.close()
  writer.num_images = (total - start) * batch_size
  return state
