"""The layer that divides a batch into halves."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dsth_jax.baselines import bihalf, similarity


@pytest.mark.parametrize("num_images", [2, 6, 7, 64])
def test_each_bit_is_one_for_exactly_half_of_a_batch(num_images, key):
  outputs = 3.0 + jax.random.normal(key, (num_images, 9))
  codes = np.asarray(bihalf.halves(outputs, 6.0))
  assert set(np.unique(codes)) == {-1.0, 1.0}
  np.testing.assert_array_equal((codes == 1).sum(0), num_images // 2)


def test_equal_outputs_are_divided_into_halves_too():
  codes = np.asarray(bihalf.halves(jnp.zeros((8, 3)), 6.0))
  np.testing.assert_array_equal(codes.sum(0), np.zeros(3))


def test_codes_are_the_nearest_of_all_that_are_balanced(key):
  outputs = jax.random.normal(key, (6, 4))
  balanced = np.array(
    [
      code
      for code in itertools.product([-1.0, 1.0], repeat=6)
      if sum(code) == 0
    ]
  )
  # A bit at a time: the distance is a sum over the bits.
  distances = ((balanced[:, :, None] - np.asarray(outputs)[None]) ** 2).sum(1)
  expected = balanced[distances.argmin(0)].T
  np.testing.assert_array_equal(bihalf.halves(outputs, 6.0), expected)


def test_gradient_is_the_codes_and_the_pull_towards_them(key):
  outputs = jax.random.normal(key, (6, 4))
  features = jax.random.normal(jax.random.key(1), (6, 5))
  found = jax.grad(bihalf.halves_loss)(outputs, features, pull=6.0)
  codes = bihalf.halves(outputs, 6.0)
  of_codes = jax.grad(similarity.cosine_error)(codes, features)
  expected = of_codes + 6.0 * (outputs - codes) / 24
  # Float32 sums over six rows.
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
