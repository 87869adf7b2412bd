"""The first stage of a run: images to features."""

import functools
import pathlib
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging
from jaxtyping import Float, Int
from ml_collections import ConfigDict

from dsth_jax import feature_transforms, features
from dsth_jax.datasets import batches
from dsth_jax.datasets.dataset import Dataset
from dsth_jax.models import variables as variables_lib
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
    tuned: the artifact of each backbone that was trained further, by its name.
  """

  def __init__(
    self,
    config: ConfigDict,
    training: Int[np.ndarray, "t"],
    sources: Sequence[Artifact | np.ndarray],
    depends_on: Sequence[Dependency],
    tuned: Mapping[str, Artifact],
  ):
    self._config, self._training = config.features, training
    self._sources = sources
    self.depends_on, self.tuned = depends_on, tuned

  @functools.cached_property
  def blocks(self) -> list[np.ndarray]:
    """The features of each backbone, as it gave them."""
    return [_rows(source) for source in self._sources]

  @functools.cached_property
  def transform(self) -> feature_transforms.Transform:
    """What is done to the features of the backbones."""
    if self._config.root or len(self.blocks) > 1:
      _warn_of_negative(self.blocks)
    return feature_transforms.fit_transform(
      self.blocks,
      self._training,
      is_root=self._config.root,
      is_centered=self._config.center,
    )

  @functools.cached_property
  def points(self) -> Float[np.ndarray, "n d"]:
    """The transformed features, a row an image."""
    return self.transform(self.blocks)

  def tuned_variables(self) -> dict[str, Any]:
    """Returns the variables of each backbone that was trained further."""
    return {
      name: variables_lib.unflatten(tuned.arrays)
      for name, tuned in self.tuned.items()
    }


def extract_features(
  workdir: Workdir,
  config: ConfigDict,
  dataset: Dataset,
  split: Artifact,
  tuned: Mapping[str, Artifact] = types.MappingProxyType({}),
) -> Features:
  """Describes every image, unless that is done; reads nothing yet.

  Args:
    workdir: of the run.
    config: of the run.
    dataset: the images.
    split: says which are training images, whose means are subtracted.
    tuned: the `variables` of each backbone that was trained further, by its
      name.
  """
  transform = settings(config, "features.center", "features.root")
  training = split.arrays["training"]
  depends_on: list[Dependency] = [split, transform]
  if config.features.file:
    paths = config.features.file.split(features.JOINT)
    rows = [
      features.open_file(path, num_images=len(dataset.names)) for path in paths
    ]
    files = map(pathlib.Path, paths)
    return Features(config, training, rows, [*depends_on, *files], {})
  sources = [
    _extract(workdir, config, dataset, label, name, weights, tuned.get(name))
    for label, (name, weights) in backbones(config).items()
  ]
  return Features(config, training, sources, [*depends_on, *sources], tuned)


def _stored(
  batch: Float[np.ndarray, "m d"], dtype: str
) -> Float[np.ndarray, "m d"]:
  """Returns features as they are kept.

  Raises:
    ValueError: one is larger than the type can hold.
  """
  largest = np.finfo(dtype).max
  if np.abs(batch).max(initial=0) > largest:
    raise ValueError(
      f"the backbone gave a feature of {np.abs(batch).max():g}, but "
      f"{dtype} ends at {largest:g}: set features.dtype to float32."
    )
  return batch.astype(dtype)


def _rows(source: Artifact | np.ndarray) -> Float[np.ndarray, "n _"]:
  """Returns the features of one backbone; those of a user are checked."""
  if isinstance(source, Artifact):
    return source.arrays["features"]
  features.check_finite(source)
  return source


def _warn_of_negative(blocks: Sequence[Float[np.ndarray, "n _"]]) -> None:
  """Says so where features have no square root."""
  for number, block in enumerate(blocks, start=1):
    negative = feature_transforms.share_negative(block)
    if negative:
      logging.warning(
        "%.3g%% of the features of backbone %d are negative, but a square root "
        "needs features that are not: it is taken of their absolute values, "
        "and they keep their signs. Set features.root to False, or take "
        "features from behind a ReLU.",
        100 * negative,
        number,
      )


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
  tuned: Artifact | None,
) -> Artifact:
  """Describes every image by one backbone."""
  image_size = backbone_image_size(config)
  resized_size = backbone_resized_size(config)
  batch_size = config.features.batch_size

  def make(writer: Writer) -> None:
    forward_batch, num_features = features.backbone(
      name,
      weights=weights,
      image_size=image_size,
      batch_size=batch_size,
      variables=tuned and variables_lib.unflatten(tuned.arrays),
    )

    def describe(rows: Int[np.ndarray, "m"]) -> Iterator[np.ndarray]:
      described = features.extract(
        batches.Selection(dataset.images, rows),
        forward_batch=forward_batch,
        image_size=image_size,
        batch_size=batch_size,
        resized_size=resized_size,
      )
      for first, batch in zip(rows[::batch_size], described):
        features.check_finite(batch, first_row=int(first))
        yield _stored(batch, config.features.dtype)

    write_rows(
      writer,
      describe,
      name="features",
      like=np.zeros(num_features, config.features.dtype),
      num_rows=len(dataset.names),
      batch_size=batch_size,
    )

  files = [path for path in (weights, name) if pathlib.Path(path).is_file()]
  depends_on: list[Dependency] = [
    {"images": dataset.fingerprint},
    {
      "features.backbone": name,
      "features.image_size": image_size,
      "features.resized_size": resized_size,
      "features.dtype": config.features.dtype,
    },
    *map(pathlib.Path, files),
    *([tuned] if tuned else []),
  ]
  return workdir.artifact(f"features/{label}", depends_on, make)


def backbone_image_size(config: ConfigDict) -> int:
  """Returns the side in pixels that the backbones see."""
  return config.features.image_size or features.image_size(
    config.features.backbone
  )


def backbone_resized_size(config: ConfigDict) -> int:
  """Returns the short side in pixels before the center is cropped."""
  return config.features.resized_size or features.resized_size(
    config.features.backbone, backbone_image_size(config)
  )
