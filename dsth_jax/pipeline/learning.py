"""Stages 2 and 3 of a run: a network learns the labels and encodes images."""

import json
import pathlib
import time
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import optax
import tensorboardX
from jaxtyping import UInt8
from ml_collections import ConfigDict
from tqdm import tqdm

from dsth_jax import (
  checkpoint,
  codes,
  datasets,
  encode,
  models,
  sharding,
  train,
)
from dsth_jax.pipeline import run as run_lib
from dsth_jax.pipeline.labels import Data, stage_key
from dsth_jax.pipeline.run import Arrays, Run


def write_pixels(run: Run, config: ConfigDict, data: Data) -> np.ndarray:
  """Writes every image at the network's size; returns UInt8[n s s 3]."""
  size = config.model.image_size
  images = data.dataset.images
  fingerprint = checkpoint.fingerprint(data.dataset.fingerprint, size)

  def make(directory: pathlib.Path) -> int:
    writer = checkpoint.RowWriter(
      directory,
      fingerprint,
      name="pixels",
      shape=(len(images), size, size, 3),
      dtype=np.uint8,
    )
    batches = datasets.image_batches(
      images, image_size=size, batch_size=1024, start=writer.start
    )
    for batch in run_lib.progress(
      batches,
      total=len(images),
      done=writer.start,
      name="pixels",
      unit="images",
    ):
      writer.append(batch)
    writer.finish()
    return len(images) - writer.start

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
  settings = config.train
  relevant = settings.to_dict()
  for name in ("checkpoint_every", "log_every"):
    del relevant[name]
  fingerprint = checkpoint.fingerprint(
    labels_fingerprint, config.model.to_dict(), relevant, config.seed
  )
  bits = np.asarray(labels["codes"])
  model, optimizer = make_model(config), _make_optimizer(config, len(bits))
  mesh = sharding.make_mesh()
  state = train.init(
    model,
    optimizer,
    image_size=config.model.image_size,
    mesh=mesh,
    key=stage_key(config, "init"),
  )
  total = num_steps(config, len(bits))
  checkpoints = checkpoint.TrainingCheckpoints(
    run.workdir / "checkpoints", fingerprint
  )
  state = checkpoints.restore(state)
  start = int(state.step)
  if start == total:
    run.reuse("training")
    checkpoints.close()
    return state.averaged, fingerprint

  def work() -> int:
    nonlocal state
    step = train.make_step(
      model,
      optimizer,
      augmentation=train.Augmentation(settings.flip, settings.shift),
      averaging=settings.averaging,
      mesh=mesh,
    )
    log = LossLog(run.workdir / "logs", start=start, config=config)
    steps = train.fit(
      state,
      step,
      pixels,
      bits,
      pixel_rows=data.splits.training,
      num_steps=total,
      batch_size=settings.batch_size,
      seed=config.seed,
      key=stage_key(config, "augmentation"),
    )
    for state, loss in steps:
      done = log.update(loss)
      if done % settings.checkpoint_every == 0 or done == total:
        checkpoints.save(state)
    log.close()
    checkpoints.close()
    return (total - start) * settings.batch_size

  run.time("training", work)
  return state.averaged, fingerprint


class LossLog:
  """Shows the loss in a bar, and logs it as JSON lines and for TensorBoard.

  Attributes:
    done: steps done.
  """

  def __init__(
    self, directory: pathlib.Path, *, start: int, config: ConfigDict
  ):
    directory.mkdir(exist_ok=True)
    self.done = start
    self._config = config.train
    # A resumed run repeats the steps since its checkpoint: they are cut off.
    kept = [entry for entry in read_losses(directory) if entry[0] <= start]
    path = directory / "losses.jsonl"
    checkpoint.write_text(path, "".join(_line(*entry) for entry in kept))
    self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115
    self._writer = tensorboardX.SummaryWriter(
      str(directory), purge_step=start + 1
    )
    self._since = time.perf_counter()
    self._bar = tqdm(
      initial=start, desc="training", unit=" steps", disable=None
    )

  def update(self, loss: Any) -> int:
    """Counts one step; now and then reads and logs its loss."""
    self.done += 1
    self._bar.update()
    every = self._config.log_every
    if self.done % every == 0:
      now = time.perf_counter()
      speed = every * self._config.batch_size / (now - self._since)
      self._since = now
      value = float(loss)
      self._bar.set_postfix_str(f"loss {value:.4f}, {speed:,.0f} images/s")
      self._file.write(_line(self.done, value))
      self._file.flush()
      self._writer.add_scalar("loss", value, self.done)
      self._writer.add_scalar("images_per_second", speed, self.done)
    return self.done

  def close(self) -> None:
    """Closes the files and the bar."""
    self._bar.close()
    self._file.close()
    self._writer.close()


def _line(step: int, loss: float) -> str:
  return json.dumps({"step": step, "loss": loss}) + "\n"


def read_losses(directory: pathlib.Path) -> list[tuple[int, float]]:
  """Returns the logged (step, loss) pairs; a line cut by a kill is left out."""
  path = directory / "losses.jsonl"
  if not path.exists():
    return []
  lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
  entries = [json.loads(line) for line in lines if line.endswith("\n")]
  return [(entry["step"], entry["loss"]) for entry in entries]


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
  fingerprint = checkpoint.fingerprint(
    training_fingerprint, data.fingerprint, settings.threshold
  )

  def make(directory: pathlib.Path) -> int:
    network = encode.compile_network(
      make_model(config),
      variables,
      image_size=config.model.image_size,
      batch_size=settings.batch_size,
      engine=settings.engine,
    )
    batches = encode.values(network, pixels, batch_size=settings.batch_size)
    values = np.concatenate(
      list(
        run_lib.progress(
          batches, total=len(pixels), done=0, name="codes", unit="images"
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
    return len(pixels)

  return run.artefact("codes", fingerprint, make), fingerprint
