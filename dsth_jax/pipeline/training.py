"""Stages 2 and 3 of a run: a network learns the labels and encodes images."""

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Int, UInt8
from ml_collections import ConfigDict

from dsth_jax import codes, datasets, encode, models, train
from dsth_jax.pipeline import workdir as run_lib
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.label_generation import stage_key
from dsth_jax.pipeline.training_log import LossLog
from dsth_jax.pipeline.workdir import Arrays, Run, Work
from dsth_jax.runtime import artifacts, distributed, sharding

# Images that are resized between two records of how far it went.
_PIXELS_BATCH = 1024


def write_pixels(run: Run, config: ConfigDict, data: Data) -> np.ndarray:
  """Writes every image at the network's size; returns UInt8[n s s 3]."""
  size = config.model.image_size
  images = data.dataset.images
  fingerprint = artifacts.fingerprint(data.dataset.fingerprint, size)

  def make(directory: pathlib.Path, work: Work) -> None:
    def squares(rows: Int[np.ndarray, "m"]) -> Iterator[np.ndarray]:
      return datasets.image_batches(
        datasets.Selection(images, rows),
        image_size=size,
        batch_size=_PIXELS_BATCH,
      )

    run_lib.write_rows(
      directory,
      fingerprint,
      work,
      squares,
      name="pixels",
      like=np.zeros((size, size, 3), np.uint8),
      num_rows=len(images),
      batch_size=_PIXELS_BATCH,
    )

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


def make_optimizer(
  config: ConfigDict, num_images: int
) -> optax.GradientTransformation:
  """Returns the optimizer with its schedule over the whole training."""
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
  model, optimizer = make_model(config), make_optimizer(config, len(bits))
  mesh = sharding.make_mesh()
  fresh = first_state(config, model, optimizer, mesh)
  checkpoints = train.TrainingCheckpoints(
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


def first_state(
  config: ConfigDict,
  model: nn.Module,
  optimizer: optax.GradientTransformation,
  mesh: jax.sharding.Mesh,
) -> train.TrainState:
  """Returns the state before the first step."""
  return train.init(
    model,
    optimizer,
    image_size=config.model.image_size,
    mesh=mesh,
    key=stage_key(config, "init"),
  )


def training_fingerprint(config: ConfigDict, labels_fingerprint: str) -> str:
  """Returns what the trained network depends on."""
  relevant = config.train.to_dict()
  for name in ("checkpoint_every", "log_every"):
    del relevant[name]
  return artifacts.fingerprint(
    labels_fingerprint, config.model.to_dict(), relevant, config.seed
  )


def _follow(
  steps: Iterator[tuple[train.TrainState, jax.Array]],
  checkpoints: train.TrainingCheckpoints,
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
    with artifacts.replacing(directory, fingerprint) as partial:
      for name, array in arrays.items():
        np.save(partial / f"{name}.npy", array)
      names = "\n".join(data.dataset.names) + "\n"
      artifacts.write_text(partial / "names.txt", names)
    work.num_images = len(pixels)

  return run.artefact("codes", fingerprint, make), fingerprint


def codes_fingerprint(
  config: ConfigDict, training_fingerprint: str, data_fingerprint: str
) -> str:
  """Returns what the codes and their thresholds depend on."""
  return artifacts.fingerprint(
    training_fingerprint, data_fingerprint, config.encode.threshold
  )
