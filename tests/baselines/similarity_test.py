"""Cosine similarities within a batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics.pairwise

from dsth_jax.baselines import similarity


def _values(num_rows, num_columns, seed=0):
  rng = np.random.default_rng(seed)
  return jnp.asarray(rng.normal(size=(num_rows, num_columns)), jnp.float32)


def test_cosines_are_scikit_learns():
  values = 7.0 * _values(9, 5)
  expected = sklearn.metrics.pairwise.cosine_similarity(values)
  # Float32 products of five terms.
  np.testing.assert_allclose(similarity.cosines(values), expected, atol=1e-6)


def test_a_row_of_zeros_has_no_direction_and_finite_gradients():
  values = _values(4, 3).at[2].set(0.0)
  found = similarity.cosines(values)
  np.testing.assert_array_equal(found[2], np.zeros(4))
  target = _values(4, 6, seed=1)
  gradient = jax.grad(similarity.cosine_error)(values, target)
  assert np.isfinite(gradient).all()


def test_cosine_error_is_the_mean_over_pairs_of_two():
  codes, features = _values(6, 4), _values(6, 7, seed=1)

  def cosine(x, y):
    return x @ y / np.sqrt((x @ x) * (y @ y))

  errors = [
    (cosine(codes[i], codes[j]) - cosine(features[i], features[j])) ** 2
    for i in range(6)
    for j in range(6)
    if i != j
  ]
  found = float(similarity.cosine_error(codes, features))
  assert found == pytest.approx(np.mean(errors), rel=1e-5)
  assert float(similarity.cosine_error(codes, 3 * codes)) < 1e-12
