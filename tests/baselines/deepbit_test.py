"""The three terms of the loss, and the only layer that learns."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.pictures import TINY, kinds_of_images

from dsth_jax.baselines import Recipe, deep, deepbit
from dsth_jax.models import hash_models


def test_loss_is_the_sum_of_its_terms():
  rng = np.random.default_rng(0)
  outputs = jnp.asarray(rng.normal(scale=0.5, size=(10, 4)), jnp.float32)
  values = np.asarray(outputs, np.float64)
  bits = (values >= 0).astype(np.float64)
  expected = sum(((bits[i] - 0.5 - values[i]) ** 2).sum() for i in range(10))
  expected /= 10
  for k in range(4):
    expected += 0.7 * (bits[:, k].mean() - 0.5) ** 2
  moved = sum(((bits[i] - bits[i + 5]) ** 2).sum() for i in range(5)) / 5
  assert moved > 0
  found = deepbit.bit_loss(outputs, None, evenness=0.7, invariance=0.2)
  assert float(found) == pytest.approx(expected + 0.2 * moved, rel=1e-5)


def test_gradient_passes_the_bits_unchanged():
  rng = np.random.default_rng(0)
  outputs = jnp.asarray(rng.normal(scale=0.5, size=(10, 4)), jnp.float32)
  bits = (outputs >= 0).astype(jnp.float32)

  def of_bits(bits, evenness, invariance):
    uneven = jnp.sum((bits.mean(0) - 0.5) ** 2)
    moved = jnp.mean(jnp.sum((bits[5:] - bits[:5]) ** 2, axis=1))
    return evenness * uneven + invariance * moved

  found = jax.grad(deepbit.bit_loss)(
    outputs, None, evenness=0.7, invariance=0.2
  )
  expected = jax.grad(of_bits)(bits, 0.7, 0.2)
  expected += 2 * (outputs - (bits - 0.5)) / 10
  # Float32 sums over ten rows.
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_second_half_is_the_first_rotated_a_little(key):
  images, _ = kinds_of_images(8)
  pixels = deepbit.straight_and_rotated(jnp.asarray(images), key)
  straight, rotated = np.split(np.asarray(pixels), 2)
  assert (straight != rotated).any(axis=(1, 2, 3)).all()
  # The center hardly moves at any angle.
  middle = np.abs(straight - rotated)[:, 7:9, 7:9].mean()
  corners = np.abs(straight - rotated)[:, :3, :3].mean()
  assert middle < corners


def test_angles_are_ten_degrees_at_most(key):
  # Rows of a ramp: the slope along the other axis is the angle's sine.
  ramp = np.tile(np.arange(32.0, dtype=np.float32)[:, None], (1, 32))
  pixels = jnp.tile(ramp[None, :, :, None], (500, 1, 1, 3))
  found = np.asarray(deepbit.rotated(pixels, key))[:, 16, :, 0]
  slopes = np.abs(found[:, 17] - found[:, 15]) / 2
  assert slopes.max() <= np.sin(np.deg2rad(10)) + 1e-3
  # Truncated at two deviations of five degrees: 0.88 of them remain.
  deviation = np.rad2deg(np.sqrt(np.mean(np.arcsin(slopes) ** 2)))
  assert deviation == pytest.approx(0.88 * 5, abs=0.4)


def test_the_first_view_stays_and_one_of_the_others_is_drawn(key):
  views = jnp.arange(200 * 4, dtype=jnp.float32).reshape(200, 4, 1)
  first, drawn = np.split(np.asarray(deepbit.draw_rotated(views, key)), 2)
  np.testing.assert_array_equal(first[:, 0], 4 * np.arange(200))
  assert set(drawn[:, 0] - first[:, 0]) == {1, 2, 3}


def test_only_the_named_layer_learns(key, monkeypatch):
  monkeypatch.setitem(hash_models.HASH_MODELS, "tiny", TINY)
  images, _ = kinds_of_images(32)
  settings = deep.Settings(
    "deepbit",
    4,
    Recipe(network="tiny", learning_rate=0.1, batch_size=16, num_epochs=2),
  )
  model = deep.make_network(settings)
  start = jax.jit(model.init)(key, jnp.zeros((1, 16, 16, 3)))
  before = jax.tree.map(np.array, start["params"])

  def loss(outputs, targets):
    return jnp.mean((outputs - 1.0) ** 2)

  after = deep.learn(
    settings,
    model,
    images,
    loss,
    targets=None,
    start=start,
    only="bits",
    key=key,
  ).variables["params"]
  for name, layer in before.items():
    same = jax.tree.map(np.array_equal, layer, after[name])
    assert jax.tree.leaves(same) == [name != "bits"] * 2, name
