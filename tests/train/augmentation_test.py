"""Shifted and flipped images."""

import jax.numpy as jnp
import numpy as np

from dsth_jax import train


def test_augmentation_only_shifts_and_flips(key):
  image = jnp.arange(6 * 6 * 3, dtype=jnp.uint8).reshape(1, 6, 6, 3)
  images = jnp.tile(image, (64, 1, 1, 1))
  changed = train.augment(images, train.Augmentation(True, 1), key)
  padded = np.pad(np.asarray(image[0]), ((1, 1), (1, 1), (0, 0)), mode="edge")
  allowed = {
    padded[:, ::flip][i : i + 6, j : j + 6].tobytes()
    for flip in (1, -1)
    for i in range(3)
    for j in range(3)
  }
  seen = {np.asarray(row).tobytes() for row in changed}
  assert seen <= allowed
  assert len(seen) > 9


def test_augmentation_without_changes_keeps_the_pixels(key):
  rng = np.random.default_rng(0)
  pixels = rng.integers(0, 256, (64, 4, 4, 3), np.uint8)
  unchanged = train.Augmentation(flip=False, shift=0)
  same = train.augment(jnp.asarray(pixels), unchanged, key)
  np.testing.assert_array_equal(same, pixels)
