"""The CPU forms of SimpleNet's layers equal the plain ones."""

import jax
import numpy as np
import pytest

from dsth_jax.models.hash_models import cpu_layers, layers

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
def test_conv_max_pool_for_cpus_equals_the_plain_form(key, channels):
  keys = jax.random.split(key, 3)
  x = _images(keys[0], channels)
  kernel = jax.random.normal(keys[1], (5, 5, channels, 6))
  weights = jax.random.normal(keys[2], (3, 4, 4, 6))
  plain = _value_and_gradients(layers.conv_max_pool, weights)
  parity = _value_and_gradients(cpu_layers.conv_max_pool, weights)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3),
    plain(x, kernel),
    parity(x, kernel),
  )


@pytest.mark.parametrize(("channels", "size"), [(3, 8), (4, 6)])
def test_conv_for_cpus_equals_the_plain_form(key, channels, size):
  keys = jax.random.split(key, 3)
  x = _images(keys[0], channels, size)
  kernel = jax.random.normal(keys[1], (5, 5, channels, 6))
  weights = jax.random.normal(keys[2], (3, size, size, 6))
  plain = _value_and_gradients(layers.conv, weights)
  for_cpus = _value_and_gradients(cpu_layers.conv, weights)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3),
    plain(x, kernel),
    for_cpus(x, kernel),
  )


def test_max_pool_for_cpus_shares_the_gradient_of_equal_pixels():
  # In a constant image all nine pixels of a window are the maximum, and the
  # gradients have the sum of those that came in.
  x = np.ones((1, 8, 8, 1), np.float32)
  kernel = np.zeros((5, 5, 1, 1), np.float32)
  kernel[2, 2] = 1.0

  def total(x):
    return cpu_layers.conv_max_pool(x, jax.numpy.asarray(kernel)).sum()

  gradient = jax.grad(total)(jax.numpy.asarray(x))
  assert float(gradient.sum()) == pytest.approx(16.0)


def test_avg_pool_for_cpus_equals_the_plain_form(key):
  x = _images(key, 5, size=6)
  weights = jax.random.normal(key, (3, 3, 3, 5))
  for pooled in (
    lambda pool: pool(x),
    lambda pool: jax.grad(lambda x: (pool(x) * weights).sum())(x),
  ):
    np.testing.assert_allclose(
      pooled(layers.avg_pool), pooled(cpu_layers.avg_pool), **CLOSE
    )
