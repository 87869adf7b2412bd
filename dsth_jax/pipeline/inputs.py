"""What methods learn from and encode: images and features, a row an image."""

import types
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Shaped
from ml_collections import ConfigDict

from dsth_jax.models.hash_models import DEFAULT, HASH_MODELS
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.feature_extraction import (
  Features,
  backbone_image_size,
  backbone_resized_size,
)
from dsth_jax.pipeline.view_extraction import Views
from dsth_jax.pipeline.workdir import Dependency
from dsth_jax.runtime.artifacts import Artifact

Kind = Literal["images", "features"]


class Inputs(NamedTuple):
  """All that is known of the images.

  Attributes:
    data: their ground truth and splits.
    features: what the backbone says of them.
    images: `pixels` at one size; None where no method sees them.
    views: of the training images, by the method that learns from them.
  """

  data: Data
  features: Features
  images: Artifact | None
  views: Mapping[str, Views] = types.MappingProxyType({})

  def rows(self, kind: Kind) -> Shaped[np.ndarray, "n ..."]:
    """Returns images UInt8[n s s 3] or features Float[n d]."""
    if kind == "features":
      return self.features.points
    assert self.images is not None
    return self.images.arrays["pixels"]

  def depends_on(self, kind: Kind) -> list[Dependency]:
    """Returns what these rows, and the choice among them, follow from."""
    if kind == "features":
      return [self.data.split, *self.features.depends_on]
    assert self.images is not None
    return [self.data.split, self.images]


def network_inputs(config: ConfigDict) -> Kind:
  """Returns what the hash network of a run sees."""
  return HASH_MODELS[config.model.network].inputs


def image_size(config: ConfigDict) -> int:
  """Returns the side in pixels of the images that networks learn from."""
  sizes = HASH_MODELS[config.model.network].image_sizes
  usual = sizes or HASH_MODELS[DEFAULT].image_sizes
  return config.model.image_size or usual[0]


def encoded_image_size(config: ConfigDict) -> int:
  """Returns the side in pixels of the images that the hash function takes."""
  if network_inputs(config) == "features":
    return backbone_image_size(config)
  return image_size(config)


def encoded_resized_size(config: ConfigDict) -> int:
  """Returns the short side in pixels before the hash function's crop."""
  if network_inputs(config) == "features" and not config.features.file:
    return backbone_resized_size(config)
  return encoded_image_size(config)
