"""Images, features and a network that the tests of the deep methods share."""

import flax.linen as nn
import numpy as np

from dsth_jax.models.hash_models import HashModel, heads, trunk

NUM_KINDS = 4
_COLORS = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200], [180] * 3])


def kinds_of_images(num_images=128, size=16, seed=0):
  """Noisy images with a patch in the color of the kind, and the kinds."""
  rng = np.random.default_rng(seed)
  kinds = rng.permutation(np.arange(num_images) % NUM_KINDS)
  corners = rng.integers(2, size // 2 - 1, (num_images, 2))
  images = rng.integers(60, 120, (num_images, size, size, 3))
  for image, kind, (row, column) in zip(images, kinds, corners, strict=True):
    patch = image[row : row + size // 2, column : column + size // 2]
    patch[:] = (patch + 2 * _COLORS[kind]) // 3
  return images.astype(np.uint8), kinds


def backbone_features(kinds, num_features=16, seed=1):
  """Features like a backbone's: most distances are similar, some small."""
  rng = np.random.default_rng(seed)
  directions = rng.normal(size=(NUM_KINDS, num_features))
  features = directions[kinds] + rng.normal(size=(len(kinds), num_features))
  return (features - features.mean(0)).astype(np.float32)


def _dense(width, name):
  # Uniform numbers compile in a third of the time of the default's.
  init = nn.initializers.variance_scaling(1.0, "fan_in", "uniform")
  return nn.Dense(width, kernel_init=init, name=name)


class TinyNet(nn.Module):
  """Trains in a second what SimpleNet trains in a minute."""

  num_bits: int
  head: str
  activation: str

  @nn.compact
  def __call__(self, x, train=False):
    n, size = x.shape[:2]
    cells = x.reshape(n, 4, size // 4, 4, size // 4, 3)
    x = _dense(32, "cells")(cells.mean(axis=(2, 4)).reshape(n, -1))
    x = nn.BatchNorm(use_running_average=not train, momentum=0.5)(x)
    x = _dense(self.num_bits, "bits")(nn.relu(x))
    return heads.ACTIVATIONS[self.activation](name="activation")(x, train)


TINY = HashModel(TinyNet, trunk.preprocess, image_sizes=(16,))
