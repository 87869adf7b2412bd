"""The CPU forms of SimpleNet's layers equal the plain ones."""

import jax
import numpy as np
import pytest

from dsth_jax.models import layers

# Sums of 75 to 800 float32 products in another order.
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def _images(key, channels, size=8):
  return jax.random.normal(key, (3, size, size, channels))


def test_avg_pool_divides_by_the_pixels_inside_the_window(key):
  x = _images(key, 2)
  pooled = np.asarray(layers.avg_pool(x))
  for i in range(4):
    for j in range(4):
      window = x[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
      mean = window.mean(axis=(1, 2))
      np.testing.assert_allclose(pooled[:, i, j], mean, **CLOSE)


def test_max_pool_halves_even_sizes_as_caffe_does(key):
  x = _images(key, 2)
  pooled = np.asarray(layers.max_pool(x))
  assert pooled.shape == (3, 4, 4, 2)
  for i in range(4):
    for j in range(4):
      window = x[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
      np.testing.assert_array_equal(pooled[:, i, j], window.max(axis=(1, 2)))


def _value_and_gradients(function, weights):
  def loss(*arguments):
    outputs = function(*arguments)
    return (outputs * weights).sum(), outputs

  return jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_conv_max_pool_by_parity_equals_the_plain_form(key, channels):
  keys = jax.random.split(key, 3)
  x = _images(keys[0], channels)
  kernel = jax.random.normal(keys[1], (5, 5, channels, 6))
  weights = jax.random.normal(keys[2], (3, 4, 4, 6))
  plain = _value_and_gradients(layers.conv_max_pool, weights)
  parity = _value_and_gradients(layers.conv_max_pool_by_parity, weights)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3),
    plain(x, kernel),
    parity(x, kernel),
  )


def test_avg_pool_by_parity_equals_the_plain_form(key):
  x = _images(key, 5, size=6)
  weights = jax.random.normal(key, (3, 3, 3, 5))
  for pooled in (
    lambda pool: pool(x),
    lambda pool: jax.grad(lambda x: (pool(x) * weights).sum())(x),
  ):
    np.testing.assert_allclose(
      pooled(layers.avg_pool), pooled(layers.avg_pool_by_parity), **CLOSE
    )
