"""Stages 2 and 3 of a run: a network learns the labels and encodes images."""

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import UInt8
from ml_collections import ConfigDict

from dsth_jax import (
  checkpoint,
  codes,
  datasets,
  distributed,
  encode,
  models,
  sharding,
  train,
)
from dsth_jax.pipeline import run as run_lib
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.labels import stage_key
from dsth_jax.pipeline.losses import LossLog
from dsth_jax.pipeline.run import Arrays, Run, Work


def write_pixels(run: Run, config: ConfigDict, data: Data) -> np.ndarray:
  """Writes every image at the network's size; returns UInt8[n s s 3]."""
  size = config.model.image_size
  images = data.dataset.images
  fingerprint = checkpoint.fingerprint(data.dataset.fingerprint, size)

  def make(directory: pathlib.Path, work: Work) -> None:
    writer = checkpoint.RowWriter(
      directory,
      fingerprint,
      name="pixels",
      shape=(len(images), size, size, 3),
      dtype=np.uint8,
    )
    share = {"batch_size": 1024, "start": writer.start}
    rows = distributed.own_rows(len(images), **share)
    batches = datasets.image_batches(
      datasets.Selection(images, rows), image_size=size, batch_size=1024
    )
    for batch in run_lib.progress(
      distributed.in_order(
        batches,
        num_rows=len(images),
        like=np.zeros((size, size, 3), np.uint8),
        **share,
      ),
      total=len(images),
      done=writer.start,
      name="pixels",
      unit="images",
    ):
      writer.append(batch)
    writer.finish()
    work.num_images = len(images) - writer.start

  return run.artefact("pixels", fingerprint, make)["pixels"]


def make_model(config: ConfigDict) -> nn.Module:
  """Returns the network that learns the hash function."""
  return models.HASH_MODELS[config.model.network](
    num_bits=config.num_bits,
    head=config.model.head,
    activation=config.model.activation,
    norm=config.model.norm,
  )


def num_steps(config: ConfigDict, num_images: int) -> int:
  """Returns the steps of the whole training."""
  if config.train.schedule == "piecewise":
    return sum(config.train.stage_steps)
  return config.train.num_epochs * (num_images // config.train.batch_size)


def _make_optimizer(
  config: ConfigDict, num_images: int
) -> optax.GradientTransformation:
  settings = config.train
  if settings.schedule == "piecewise":
    schedule = train.piecewise(
      values=settings.learning_rates, stage_steps=settings.stage_steps
    )
  else:
    schedule = train.one_cycle(
      num_steps=num_steps(config, num_images),
      peak_value=settings.learning_rate,
    )
  return train.OPTIMIZERS[settings.optimizer](
    schedule,
    momentum=settings.momentum,
    weight_decay=settings.weight_decay,
  )


def learn(
  run: Run,
  config: ConfigDict,
  data: Data,
  pixels: UInt8[np.ndarray, "n s s 3"],
  labels: Arrays,
  labels_fingerprint: str,
) -> tuple[Any, str]:
  """Trains the network on the hash labels; returns its variables."""
  fingerprint = training_fingerprint(config, labels_fingerprint)
  bits = np.asarray(labels["codes"])
  total = num_steps(config, len(bits))
  model, optimizer = make_model(config), _make_optimizer(config, len(bits))
  mesh = sharding.make_mesh()
  fresh = _first_state(config, model, optimizer, mesh)
  checkpoints = checkpoint.TrainingCheckpoints(
    run.workdir / "checkpoints", fingerprint
  )
  state = checkpoints.restore(fresh)
  start = int(state.step)
  if start == total:
    run.reuse("training")
  else:
    step = train.make_step(
      model,
      optimizer,
      augmentation=train.Augmentation(config.train.flip, config.train.shift),
      averaging=config.train.averaging,
      mesh=mesh,
    )
    steps = train.fit(
      state,
      step,
      pixels,
      bits,
      pixel_rows=data.splits.training,
      num_steps=total,
      batch_size=config.train.batch_size,
      seed=config.seed,
      key=stage_key(config, "augmentation"),
      mesh=mesh,
    )
    log = LossLog(run.workdir / "logs", config, start=start, total=total)
    with run.timed("training") as work:
      state = _follow(steps, checkpoints, log, config)
      work.num_images = (total - start) * config.train.batch_size
  checkpoints.close()
  return state.averaged, fingerprint


def _first_state(
  config: ConfigDict,
  model: nn.Module,
  optimizer: optax.GradientTransformation,
  mesh: jax.sharding.Mesh,
) -> train.TrainState:
  return train.init(
    model,
    optimizer,
    image_size=config.model.image_size,
    mesh=mesh,
    key=stage_key(config, "init"),
  )


def read_trained(
  directory: pathlib.Path,
  config: ConfigDict,
  fingerprint: str,
  *,
  num_images: int,
) -> Any:
  """Returns the variables of a network that was trained to the end.

  Args:
    directory: the checkpoints of a run.
    config: of the run.
    fingerprint: of the training.
    num_images: that it trained on.

  Raises:
    ValueError: the last checkpoint is missing, or is another network's.
  """
  total = num_steps(config, num_images)
  # Asked beforehand: opening them would make the folder.
  if not (directory / fingerprint / str(total)).is_dir():
    raise ValueError(
      f"{directory / fingerprint} does not hold the last checkpoint of the "
      f"training, step {total}: give the run's command again."
    )
  fresh = _first_state(
    config,
    make_model(config),
    _make_optimizer(config, num_images),
    sharding.make_mesh(),
  )
  checkpoints = checkpoint.TrainingCheckpoints(directory, fingerprint)
  state = checkpoints.restore(fresh)
  checkpoints.close()
  return state.averaged


def training_fingerprint(config: ConfigDict, labels_fingerprint: str) -> str:
  """Returns what the trained network depends on."""
  relevant = config.train.to_dict()
  for name in ("checkpoint_every", "log_every"):
    del relevant[name]
  return checkpoint.fingerprint(
    labels_fingerprint, config.model.to_dict(), relevant, config.seed
  )


def _follow(
  steps: Iterator[tuple[train.TrainState, jax.Array]],
  checkpoints: checkpoint.TrainingCheckpoints,
  log: LossLog,
  config: ConfigDict,
) -> train.TrainState:
  """Logs and saves what the training yields; returns its last state."""
  for state, loss in steps:
    log.update(loss)
    if log.done % config.train.checkpoint_every == 0:
      checkpoints.save(state)
  checkpoints.save(state)
  log.close()
  return state


def compile_network(
  config: ConfigDict, variables: Any
) -> Callable[[np.ndarray], np.ndarray]:
  """Compiles the trained network for batches of pixels."""
  return encode.compile_network(
    make_model(config),
    variables,
    image_size=config.model.image_size,
    batch_size=config.encode.batch_size,
    engine=config.encode.engine,
  )


def encode_images(
  run: Run,
  config: ConfigDict,
  data: Data,
  pixels: UInt8[np.ndarray, "n s s 3"],
  labels: Arrays,
  variables: Any,
  training_fingerprint: str,
) -> tuple[Arrays, str]:
  """Encodes every image; returns `packed` [n w] and the `thresholds`."""
  settings = config.encode
  fingerprint = codes_fingerprint(
    config, training_fingerprint, data.fingerprint
  )

  def make(directory: pathlib.Path, work: Work) -> None:
    network = compile_network(config, variables)
    batch_size, num_images = settings.batch_size, len(pixels)
    rows = distributed.own_rows(num_images, batch_size=batch_size)
    batches = distributed.in_order(
      encode.values(
        network, datasets.Selection(pixels, rows), batch_size=batch_size
      ),
      num_rows=num_images,
      batch_size=batch_size,
      like=np.zeros(config.num_bits, np.float32),
    )
    values = np.concatenate(
      list(
        run_lib.progress(
          batches, total=num_images, done=0, name="codes", unit="images"
        )
      )
    )
    if settings.threshold == "labels":
      thresholds = jnp.asarray(labels["thresholds"])
    else:
      of_training = values[data.splits.training]
      thresholds = encode.THRESHOLDS[settings.threshold](of_training)
    packed = codes.pack(codes.binarize(values, thresholds))
    arrays = {
      "packed": np.asarray(packed),
      "thresholds": np.asarray(thresholds),
    }
    with checkpoint.replacing(directory, fingerprint) as partial:
      for name, array in arrays.items():
        np.save(partial / f"{name}.npy", array)
      names = "\n".join(data.dataset.names) + "\n"
      checkpoint.write_text(partial / "names.txt", names)
    work.num_images = len(pixels)

  return run.artefact("codes", fingerprint, make), fingerprint


def codes_fingerprint(
  config: ConfigDict, training_fingerprint: str, data_fingerprint: str
) -> str:
  """Returns what the codes and their thresholds depend on."""
  return checkpoint.fingerprint(
    training_fingerprint, data_fingerprint, config.encode.threshold
  )
