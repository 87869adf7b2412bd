"""Stage 2 of a run: a hash network learns the hash labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import optax
from ml_collections import ConfigDict

from dsth_jax import train
from dsth_jax.models import variables as variables_lib
from dsth_jax.models.hash_models import HASH_MODELS
from dsth_jax.pipeline import collapse, training_loop
from dsth_jax.pipeline.inputs import Inputs, network_inputs
from dsth_jax.pipeline.seeds import stage_key
from dsth_jax.pipeline.workdir import Dependency, Workdir, settings
from dsth_jax.runtime import sharding
from dsth_jax.runtime.artifacts import Artifact, Writer

# These decide what is seen of a training, not what it ends in.
_LOGGING = ("train.checkpoint_seconds", "train.log_every")


def train_network(
  workdir: Workdir, config: ConfigDict, inputs: Inputs, labels: Artifact
) -> Artifact:
  """Trains the hash network on the hash labels; returns its variables."""

  def make(writer: Writer) -> None:
    variables = _train(workdir, config, inputs, labels, writer)
    writer.write(**variables_lib.flatten(variables))

  recipe = settings(config, "model", "train", "seed")
  for name in _LOGGING:
    del recipe[name]
  depends_on: list[Dependency] = [
    labels,
    *inputs.depends_on(network_inputs(config)),
    recipe,
  ]
  return workdir.artifact("training", depends_on, make)


def num_steps(config: ConfigDict, num_images: int) -> int:
  """Returns the steps of the whole training."""
  if config.train.schedule == "piecewise":
    return sum(config.train.stage_steps)
  return config.train.num_epochs * (num_images // config.train.batch_size)


def _train(
  workdir: Workdir,
  config: ConfigDict,
  inputs: Inputs,
  labels: Artifact,
  writer: Writer,
) -> Any:
  """Trains from the last checkpoint on; returns the variables."""
  model = HASH_MODELS[config.model.network]
  module = model.build(config.num_bits, config.model.to_dict())
  rows, bits = inputs.rows(model.inputs), np.asarray(labels.arrays["codes"])
  total = num_steps(config, len(bits))
  optimizer = _make_optimizer(config, total)
  mesh = sharding.make_mesh()
  fresh = train.init(
    module,
    optimizer,
    item_shape=rows.shape[1:],
    mesh=mesh,
    key=stage_key(config.seed, "init"),
  )
  augmentation = train.Augmentation(config.train.flip, config.train.shift)
  step = train.make_step(
    module,
    optimizer,
    preprocess=model.preprocess,
    # Features have no pixels to flip and shift.
    augmentation=augmentation if model.inputs == "images" else None,
    averaging=config.train.averaging,
    mesh=mesh,
    mixup=config.train.mixup,
  )
  batch_size = config.train.batch_size

  def steps(state: train.TrainState) -> Iterator[Any]:
    return train.fit(
      state,
      step,
      rows,
      bits,
      rows=inputs.data.splits.training,
      num_steps=total,
      batch_size=batch_size,
      seed=config.seed,
      key=stage_key(config.seed, "augmentation"),
      mesh=mesh,
    )

  return training_loop.run_steps(
    workdir,
    config,
    writer,
    fresh,
    steps,
    name="training",
    total=total,
    batch_size=batch_size,
    rate=collapse.learning_rate(config),
    logs=workdir.path / "logs",
  ).averaged


def _make_optimizer(
  config: ConfigDict, total: int
) -> optax.GradientTransformation:
  """Returns the optimizer with its schedule over the whole training."""
  recipe = config.train
  if recipe.schedule == "piecewise":
    schedule = train.piecewise(
      values=recipe.learning_rates, stage_steps=recipe.stage_steps
    )
  else:
    schedule = train.one_cycle(num_steps=total, peak_value=recipe.learning_rate)
  return train.OPTIMIZERS[recipe.optimizer](
    schedule, momentum=recipe.momentum, weight_decay=recipe.weight_decay
  )
