"""Random views of the training images, described by the backbones once."""

import functools
import pathlib
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from ml_collections import ConfigDict

from dsth_jax import features as features_lib
from dsth_jax.baselines import interface
from dsth_jax.datasets import batches
from dsth_jax.models import variables as variables_lib
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.feature_extraction import (
  Features,
  backbone_image_size,
  backbone_resized_size,
  backbones,
)
from dsth_jax.pipeline.seeds import stage_key
from dsth_jax.pipeline.workdir import (
  Dependency,
  Workdir,
  settings,
  write_rows,
)
from dsth_jax.runtime.artifacts import Artifact, Writer

# Rows that are transformed at once.
_CHUNK = 1024


class Views:
  """The features of views of the training images, transformed on demand.

  Attributes:
    depends_on: what they follow from, for those who use them.
  """

  def __init__(self, features: Features, sources: Sequence[Artifact]):
    self._features, self._sources = features, sources
    self.depends_on: list[Dependency] = [*features.depends_on, *sources]

  @functools.cached_property
  def points(self) -> Float[np.ndarray, "n v d"]:
    """The features of v views of each training image, in their order.

    They are transformed as the features of the images are.
    """
    blocks = [source.arrays["features"] for source in self._sources]
    num_images, num_views = blocks[0].shape[:2]
    num_features = sum(block.shape[2] for block in blocks)
    points = np.empty((num_images, num_views, num_features), np.float32)
    for first in range(0, num_images, _CHUNK):
      rows = slice(first, first + _CHUNK)
      flat = [block[rows].reshape(-1, block.shape[2]) for block in blocks]
      transformed = self._features.transform(flat)
      points[rows] = transformed.reshape(-1, num_views, num_features)
    return points


def extract_views(
  workdir: Workdir,
  config: ConfigDict,
  data: Data,
  features: Features,
  name: str,
  draw: interface.Views,
) -> Views:
  """Describes views of every training image, unless that is done.

  Args:
    workdir: of the run.
    config: of the run.
    data: its images and training images.
    features: of all images.
    name: the method that learns from the views.
    draw: see `Baseline.views`.
  """
  sources = [
    _extract(workdir, config, data, features, name, draw, label, *backbone)
    for label, backbone in backbones(config).items()
  ]
  return Views(features, sources)


def _extract(
  workdir: Workdir,
  config: ConfigDict,
  data: Data,
  features: Features,
  name: str,
  draw: interface.Views,
  label: str,
  backbone: str,
  weights: str,
) -> Artifact:
  """Describes the views by one backbone."""
  image_size = backbone_image_size(config)
  resized_size = backbone_resized_size(config)
  batch_size, num_views = config.features.batch_size, config.compare.num_views
  key = stage_key(config.seed, f"views of {name}")
  tuned = features.tuned.get(backbone)

  def make(writer: Writer) -> None:
    forward_batch, num_features = features_lib.backbone(
      backbone,
      weights=weights,
      image_size=image_size,
      batch_size=batch_size,
      variables=tuned and variables_lib.unflatten(tuned.arrays),
    )

    def describe(rows: Int[np.ndarray, "m"]) -> Iterator[np.ndarray]:
      images = batches.Selection(
        data.dataset.images, data.splits.training[rows]
      )
      resized = batches.image_batches(
        images,
        image_size=image_size,
        batch_size=batch_size,
        resized_size=resized_size,
      )
      for first, batch in zip(rows[::batch_size], resized):
        # Of a batch's first image, wherever the work goes on.
        keys = jax.random.split(jax.random.fold_in(key, first), num_views)
        drawn = [_quantized(draw, batch, each) for each in keys]
        yield np.stack([forward_batch(each) for each in drawn], axis=1)

    write_rows(
      writer,
      describe,
      name="features",
      like=np.zeros((num_views, num_features), np.float32),
      num_rows=len(data.splits.training),
      batch_size=batch_size,
    )

  files = [path for path in (weights, backbone) if pathlib.Path(path).is_file()]
  depends_on: list[Dependency] = [
    {"images": data.dataset.fingerprint},
    {
      "features.backbone": backbone,
      "features.image_size": image_size,
      "features.resized_size": resized_size,
    },
    # Not of a cell: the views are the same for every seed of a comparison.
    settings(config, "compare.num_views", "features.batch_size", "seed"),
    data.split,
    draw,
    *map(pathlib.Path, files),
    *([tuned] if tuned else []),
  ]
  return workdir.artifact(f"features/{label}.views.{name}", depends_on, make)


@functools.partial(jax.jit, static_argnums=0)
def _drawn(
  draw: interface.Views, images: jax.Array, key: jax.Array
) -> jax.Array:
  views = jnp.clip(jnp.round(draw(images, key)), 0, 255)
  return views.astype(jnp.uint8)


def _quantized(
  draw: interface.Views, images: np.ndarray, key: jax.Array
) -> np.ndarray:
  """Returns a view of each image as bytes, as the backbones see images."""
  return np.asarray(_drawn(draw, jnp.asarray(images), key))
