"""The first stage of a run: images to features."""

import functools
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int
from ml_collections import ConfigDict

from dsth_jax import feature_transforms, features
from dsth_jax.datasets import batches
from dsth_jax.datasets.dataset import Dataset
from dsth_jax.pipeline.workdir import (
  Dependency,
  Workdir,
  settings,
  write_rows,
)
from dsth_jax.runtime.artifacts import Artifact, Writer


class Features:
  """The features of all images, transformed once they are asked for.

  Attributes:
    depends_on: what they follow from, for those who use them.
  """

  def __init__(
    self,
    config: ConfigDict,
    training: Int[np.ndarray, "t"],
    sources: Sequence[Artifact] | np.ndarray,
    depends_on: Sequence[Dependency],
  ):
    self._config, self._training = config.features, training
    self._sources = sources
    self.depends_on = depends_on

  @functools.cached_property
  def _blocks(self) -> list[np.ndarray]:
    if isinstance(self._sources, np.ndarray):
      features.check_finite(self._sources)
      return [self._sources]
    return [source.arrays["features"] for source in self._sources]

  @functools.cached_property
  def transform(self) -> feature_transforms.Transform:
    """What is done to the features of the backbones."""
    return feature_transforms.fit_transform(
      self._blocks,
      self._training,
      is_root=self._config.root,
      is_centered=self._config.center,
    )

  @functools.cached_property
  def points(self) -> Float[np.ndarray, "n d"]:
    """The transformed features, a row an image."""
    return self.transform(self._blocks)


def extract_features(
  workdir: Workdir,
  config: ConfigDict,
  dataset: Dataset,
  split: Artifact,
) -> Features:
  """Describes every image, unless that is done; reads nothing yet.

  Args:
    workdir: of the run.
    config: of the run.
    dataset: the images.
    split: says which are training images, whose means are subtracted.
  """
  transform = settings(config, "features.center", "features.root")
  training = split.arrays["training"]
  depends_on: list[Dependency] = [split, transform]
  if config.features.file:
    path = pathlib.Path(config.features.file)
    rows = features.open_file(path, num_images=len(dataset.names))
    return Features(config, training, rows, [*depends_on, path])
  sources = [
    _extract(workdir, config, dataset, label, name, weights)
    for label, (name, weights) in backbones(config).items()
  ]
  return Features(config, training, sources, [*depends_on, *sources])


def backbones(config: ConfigDict) -> dict[str, tuple[str, str]]:
  """Returns each backbone and its file of weights, by the name of its folder."""
  named = features.check_backbones(
    config.features.backbone, config.features.weights
  )
  return dict(zip(_labels([name for name, _ in named]), named))


def _labels(names: Sequence[str]) -> list[str]:
  """Returns a folder name for each backbone, also where file names are equal."""
  found: list[str] = []
  for name in names:
    label = pathlib.Path(name).name
    found.append(f"{len(found)}.{label}" if label in found else label)
  return found


def _extract(
  workdir: Workdir,
  config: ConfigDict,
  dataset: Dataset,
  label: str,
  name: str,
  weights: str,
) -> Artifact:
  """Describes every image by one backbone."""
  image_size = backbone_image_size(config)
  batch_size = config.features.batch_size

  def make(writer: Writer) -> None:
    forward_batch, num_features = features.backbone(
      name, weights=weights, image_size=image_size, batch_size=batch_size
    )

    def describe(rows: Int[np.ndarray, "m"]) -> Iterator[np.ndarray]:
      return features.extract(
        batches.Selection(dataset.images, rows),
        forward_batch=forward_batch,
        image_size=image_size,
        batch_size=batch_size,
      )

    write_rows(
      writer,
      describe,
      name="features",
      like=np.zeros(num_features, np.float32),
      num_rows=len(dataset.names),
      batch_size=batch_size,
    )

  files = [path for path in (weights, name) if pathlib.Path(path).is_file()]
  depends_on: list[Dependency] = [
    {"images": dataset.fingerprint},
    {"features.backbone": name, "features.image_size": image_size},
    *map(pathlib.Path, files),
  ]
  return workdir.artifact(f"features/{label}", depends_on, make)


def backbone_image_size(config: ConfigDict) -> int:
  """Returns the side in pixels that the backbones see."""
  return config.features.image_size or features.image_size(
    config.features.backbone
  )
