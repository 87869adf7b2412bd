"""Shifted and flipped images."""

import jax
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


def test_mixup_blends_inputs_and_targets_alike(key):
  inputs = jnp.eye(16)
  targets = (np.arange(16)[:, None] >> np.arange(4)) % 2
  mixed, codes = train.mixup(inputs, jnp.asarray(targets, jnp.uint8), 0.4, key)
  # What an input is made of: its share of every input, which sum to 1.
  shares = np.asarray(mixed)
  np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
  np.testing.assert_allclose(codes, shares @ targets, atol=1e-6)
  own = np.diag(shares)
  assert (own >= 0.5).all()
  moved = own < 1
  assert moved.sum() > 8
  np.testing.assert_allclose(own[moved], own[moved][0])


def test_the_draw_of_mixup_has_its_distribution(key):
  keys = jax.random.split(key, 2000)
  targets = jnp.zeros((2, 1))

  def larger_share(one):
    mixed, _ = train.mixup(jnp.array([[0.0], [1.0]]), targets, 1.0, one)
    return jnp.maximum(mixed[0, 0], mixed[1, 0])

  # The larger of r and 1 - r is uniform from 1/2 to 1 for alpha = 1.
  shares = np.sort(jax.vmap(larger_share)(keys))
  shares = shares[shares < 1]
  expected = np.linspace(0.5, 1, len(shares))
  assert len(shares) > 500
  assert np.abs(shares - expected).max() < 0.05
