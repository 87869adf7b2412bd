"""Weights of a backbone made from their names, so that no file holds them."""

import functools
import math
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dsth_jax.models.backbones import (
  BACKBONES,
  alexnet,
  googlenet,
  layouts,
  vgg,
  vit,
)

# Larger tensors repeat this number of values, a prime: no two rows are equal.
_PERIOD = 1_000_003


def random_tensors(layout, file_format=None):
  """Returns tensors as a file of a format has them, of a size that keeps."""
  file_format = file_format or layout.formats[0]
  return {
    slot.name: random_tensor(slot.name, _own_shape(slot))
    for slot in layouts.slots(layout, file_format)
  }


def _own_shape(slot):
  """Returns the shape that the file has; CLIP's leaves out axes of length 1."""
  if slot.name.startswith("vision_model.embeddings.") and slot.shape[0] == 1:
    return tuple(length for length in slot.shape if length > 1)
  return slot.shape


def random_tensor(name, shape):
  """Returns values that depend on the name and the shape."""
  rng = np.random.default_rng(zlib.crc32(name.encode()))
  size = math.prod(shape)
  if len(shape) > 1 and name.endswith("weight"):
    values = rng.standard_normal(min(size, _PERIOD), np.float32)
    values *= np.float32(math.sqrt(2 / math.prod(shape[1:])))
  elif name.endswith(("bias", "mean")):
    values = 0.1 * rng.standard_normal(size, np.float32)
  else:
    values = rng.uniform(0.5, 1.5, size).astype(np.float32)
  return np.resize(values, shape)


def random_images(image_size, count=2):
  """Returns smooth images with some noise, UInt8[n s s 3]."""
  rng = np.random.default_rng(image_size)
  line = np.linspace(0, 3, image_size)
  phase = rng.uniform(0, 6, (count, 1, 1, 3))
  waves = np.sin(line[:, None, None] * 2 + line[None, :, None] + phase)
  noise = rng.normal(0, 20, (count, image_size, image_size, 3))
  return np.clip(128 + 90 * waves + noise, 0, 255).astype(np.uint8)


class Small(NamedTuple):
  """A backbone that is narrow, or low, but else as it is.

  Attributes:
    layout: of its weights.
    preprocess: of the backbone.
    image_sizes: of its images; not all suit its pools or patches.
  """

  layout: layouts.Layout
  preprocess: Callable
  image_sizes: tuple[int, ...]


def _small(name, module, *image_sizes):
  backbone = BACKBONES[name]
  layout = backbone.layout._replace(module=module, image_size=image_sizes[0])
  return Small(layout, backbone.preprocess, image_sizes)


# Torchvision's and transformers' features of these are recorded in
# backbones.npz, by `python -m benchmarks.backbones --record`.
SMALL = {
  "alexnet": _small("alexnet", alexnet.AlexNet(num_features=64), 224, 97),
  "googlenet": _small("googlenet", googlenet.GoogLeNet(), 97),
  "vgg16": _small("vgg16", vgg.VGG16(num_features=64), 97),
  "dinov2": _small(
    "dinov2_vits14",
    vit.VisionTransformer(4, 7, width=32, depth=2, num_heads=4),
    *(28, 45),
  ),
  "clip": _small(
    "clip_vitb32",
    vit.VisionTransformer(
      8, 4, width=32, depth=2, num_heads=4, is_clip=True, num_projected=16
    ),
    *(32, 48),
  ),
}


@functools.cache
def small_variables(name):
  """Returns the random variables of a small backbone."""
  layout = SMALL[name].layout
  return layouts.variables(layout, random_tensors(layout), file=name)
