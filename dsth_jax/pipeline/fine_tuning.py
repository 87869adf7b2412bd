"""Before the features: backbones are trained further with class labels."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import optax
from absl import logging
from jaxtyping import Int, UInt8
from ml_collections import ConfigDict

from dsth_jax import train
from dsth_jax.datasets import batches, prefetch
from dsth_jax.datasets.dataset import RandomAccess
from dsth_jax.models import variables as variables_lib
from dsth_jax.models.backbones import BACKBONES, Backbone, joint
from dsth_jax.pipeline import labelled_images, training_loop
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.feature_extraction import (
  Features,
  backbone_image_size,
  backbone_resized_size,
  backbones,
)
from dsth_jax.pipeline.seeds import stage_key
from dsth_jax.pipeline.workdir import Dependency, Workdir, settings
from dsth_jax.runtime import sharding
from dsth_jax.runtime.artifacts import Artifact, Writer
from dsth_jax.train import fine_tuning


@dataclasses.dataclass
class _ResizedImages:
  """Images of any size, resized as they are read."""

  images: RandomAccess
  image_size: int
  resized_size: int

  @property
  def shape(self) -> tuple[int, int, int, int]:
    return len(self.images), self.image_size, self.image_size, 3

  def __getitem__(
    self, rows: Int[np.ndarray, "m"]
  ) -> UInt8[np.ndarray, "m s s 3"]:
    def prepare(row: int) -> np.ndarray:
      return batches.resize_and_crop(
        self.images[row], self.image_size, self.resized_size
      )

    return np.stack(list(prefetch.prefetch_map(prepare, map(int, rows))))


def tune_backbones(
  workdir: Workdir, config: ConfigDict, data: Data
) -> dict[str, Artifact]:
  """Trains every backbone further, unless that is off or done.

  Returns:
    By name of the backbone its `variables`, the `classifier` on top, and as
    JSON `labels`: `num_labels`, and the number of each class in `classes`.
  """
  if not config.features.fine_tuning.num_epochs:
    return {}
  return {
    name: _tune(workdir, config, data, name, weights)
    for name, weights in backbones(config).values()
  }


def _tune(
  workdir: Workdir, config: ConfigDict, data: Data, name: str, weights: str
) -> Artifact:
  """Trains one backbone further."""

  def make(writer: Writer) -> None:
    rows, numbers = labelled_images.draw(config, data)
    classes, targets = np.unique(numbers, return_inverse=True)
    training = _prepare(config, data, name, weights, rows, targets)
    state = training_loop.run_steps(
      workdir,
      config,
      writer,
      training.fresh,
      training.steps,
      name=f"fine_tuning/{name}",
      total=training.num_steps,
      batch_size=config.features.fine_tuning.batch_size,
      rate="features.fine_tuning.learning_rate",
      logs=workdir.path / "logs" / "fine_tuning" / name,
    )
    variables, classifier = fine_tuning.split(state.variables)
    writer.write(**variables_lib.flatten(variables))
    writer.write(**{f"classifier.{key}": classifier[key] for key in classifier})
    writer.write_json(
      "labels", {"num_labels": len(rows), "classes": classes.tolist()}
    )

  depends_on: list[Dependency] = [
    data.split,
    {"images": data.dataset.fingerprint, "features.backbone": name},
    settings(config, "features.fine_tuning", "seed"),
    dict(zip(("image_size", "resized_size"), _sizes(config))),
    *([pathlib.Path(weights)] if weights else []),
  ]
  return workdir.artifact(f"fine_tuning/{name}", depends_on, make)


class _Training(NamedTuple):
  """The state before the first step, the steps, and their number."""

  fresh: train.TrainState
  steps: training_loop.Steps
  num_steps: int


def _prepare(
  config: ConfigDict,
  data: Data,
  name: str,
  weights: str,
  rows: Int[np.ndarray, "n"],
  targets: Int[np.ndarray, "n"],
) -> _Training:
  """Compiles what trains a backbone on the classes of some images."""
  recipe, record = config.features.fine_tuning, BACKBONES[name]
  assert record.network is not None
  network, mesh = record.network(weights), sharding.make_mesh()
  total = recipe.num_epochs * (len(rows) // recipe.batch_size)
  model = fine_tuning.Classifier(
    network.module, int(targets.max()) + 1, record.is_pretrained
  )
  optimizer = _make_optimizer(recipe, record, total)
  image_size, resized_size = _sizes(config)
  fresh = fine_tuning.start(
    model,
    network.variables,
    optimizer,
    image_size=image_size,
    mesh=mesh,
    key=stage_key(config.seed, f"fine_tuning {name}"),
  )
  step = train.make_step(
    model,
    optimizer,
    preprocess=record.preprocess,
    augmentation=train.Augmentation(recipe.flip, recipe.shift),
    averaging=0.0,
    mesh=mesh,
    loss=fine_tuning.cross_entropy,
  )

  def steps(state: train.TrainState) -> Iterator[Any]:
    return train.fit(
      state,
      step,
      _ResizedImages(data.dataset.images, image_size, resized_size),
      targets,
      rows=rows,
      num_steps=total,
      batch_size=recipe.batch_size,
      seed=config.seed,
      key=stage_key(config.seed, "augmentation for fine_tuning"),
      mesh=mesh,
    )

  return _Training(fresh, steps, total)


def _sizes(config: ConfigDict) -> tuple[int, int]:
  """Returns the side of the images in pixels, and the short side before."""
  image_size = config.features.fine_tuning.image_size
  if not image_size:
    return backbone_image_size(config), backbone_resized_size(config)
  return image_size, joint.resized_size(config.features.backbone, image_size)


def _make_optimizer(
  recipe: ConfigDict, record: Backbone, total: int
) -> optax.GradientTransformation:
  """Returns AdamW with its schedule, for the layers that are trained."""
  schedule = train.one_cycle(num_steps=total, peak_value=recipe.learning_rate)
  optimizer = train.adamw(
    schedule, momentum=0.9, weight_decay=recipe.weight_decay
  )
  only_last = recipe.trainable == "last" and record.is_pretrained
  return fine_tuning.freeze(optimizer, record.last if only_last else None)


def measure(
  config: ConfigDict, data: Data, features: Features
) -> dict[str, dict[str, Any]]:
  """Measures how well the trained backbones classify; chooses nothing.

  Returns:
    By name of the backbone `fine_tuning.accuracy`, over the queries that have a
    class, or None without any; `num_queries`, the number of these; and
    `num_labels` and `num_classes` of the training.
  """
  truth = data.dataset.ground_truth
  if not features.tuned or truth is None or truth.classes is None:
    return {}
  query = data.splits.query[truth.classes[data.splits.query] >= 0]
  return {
    name: _measured(tuned, rows[query], truth.classes[query], name)
    for (name, tuned), rows in zip(features.tuned.items(), features.blocks)
  }


def _measured(
  tuned: Artifact,
  features: np.ndarray,
  numbers: Int[np.ndarray, "q"],
  name: str,
) -> dict[str, Any]:
  labels = tuned.json("labels")
  known = np.asarray(labels["classes"])
  places = np.searchsorted(known, numbers).clip(max=len(known) - 1)
  targets = np.where(known[places] == numbers, places, -1)
  classifier = {
    key: tuned.arrays[f"classifier.{key}"] for key in ("kernel", "bias")
  }
  accuracy = None
  if len(targets):
    accuracy = fine_tuning.accuracy(features, classifier, targets)
    logging.info(
      "%s, trained with %d class labels: %.1f%% of %d queries get their class",
      name,
      labels["num_labels"],
      100 * accuracy,
      len(targets),
    )
  return {
    "fine_tuning.accuracy": accuracy,
    "num_queries": len(targets),
    "num_labels": labels["num_labels"],
    "num_classes": len(known),
  }
