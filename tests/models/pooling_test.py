"""Pools against loops over their windows."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dsth_jax.models.backbones import pooling


def _image(height, width):
  rng = np.random.default_rng(height)
  return rng.uniform(size=(2, height, width, 3)).astype(np.float32)


def _max_loop(x, size, stride, before, ceil):
  """PyTorch's rule: the last window begins inside the image or its border."""
  round_up_or_down = math.ceil if ceil else math.floor
  counts = [
    round_up_or_down((length + 2 * before - size) / stride) + 1
    for length in x.shape[1:3]
  ]
  out = np.zeros((2, *counts, 3), np.float32)
  for i, j in np.ndindex(*counts):
    rows, columns = (
      slice(max(0, k * stride - before), k * stride - before + size)
      for k in (i, j)
    )
    out[:, i, j] = x[:, rows, columns].max(axis=(1, 2))
  return out


@pytest.mark.parametrize("shape", [(7, 7), (8, 8), (9, 12), (13, 10)])
@pytest.mark.parametrize(
  ("size", "stride", "before", "ceil"),
  [(3, 2, 0, False), (3, 2, 0, True), (2, 2, 0, True), (3, 1, 1, False)],
)
def test_max_pool_equals_a_loop(shape, size, stride, before, ceil):
  x = _image(*shape)
  found = pooling.max_pool(
    jnp.asarray(x), size, stride, before=before, ceil=ceil
  )
  np.testing.assert_array_equal(found, _max_loop(x, size, stride, before, ceil))


@pytest.mark.parametrize(
  "shape", [(6, 6), (1, 1), (3, 5), (7, 6), (13, 10)], ids=str
)
def test_adaptive_mean_equals_a_loop(shape):
  x = _image(*shape)
  expected = np.zeros((2, 6, 6, 3))
  for i, j in np.ndindex(6, 6):
    rows, columns = (
      slice(k * length // 6, math.ceil((k + 1) * length / 6))
      for k, length in zip((i, j), shape)
    )
    expected[:, i, j] = x[:, rows, columns].mean(axis=(1, 2))
  # Float32 means of at most nine pixels.
  np.testing.assert_allclose(
    pooling.adaptive_mean(jnp.asarray(x), 6), expected, rtol=1e-5
  )


def test_adaptive_mean_of_its_own_size_adds_no_work():
  lowered = jax.jit(lambda x: pooling.adaptive_mean(x, 6)).lower(_image(6, 6))
  assert "dot_general" not in lowered.as_text()
