"""Factorization of the classes' similarities, and the logistic loss."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from dsth_jax.baselines import cnnh


def _similarity(classes):
  return np.where(classes[:, None] == classes[None, :], 1.0, -1.0)


def _error(values, classes):
  values = np.asarray(values, np.float64)
  products = values @ values.T / values.shape[1]
  return np.mean((_similarity(classes) - products) ** 2)


def _classes(num_points, num_classes):
  rng = np.random.default_rng(num_points)
  return rng.permutation(np.arange(num_points) % num_classes)


@pytest.mark.parametrize("num_bits", [3, 8, 20])
def test_error_never_rises_and_is_that_of_the_whole_matrix(num_bits, key):
  classes = _classes(90, 5)
  for num_sweeps in range(4):
    factors = cnnh.factorize(
      classes, num_bits=num_bits, num_sweeps=num_sweeps, key=key
    )
    assert np.abs(factors.values).max() <= 1
    assert len(factors.errors) == num_sweeps + 1
    # Float32 sums over the points.
    assert factors.errors[-1] == pytest.approx(
      _error(factors.values, classes), rel=1e-5
    )
    assert (np.diff(factors.errors) <= 1e-6).all()


def test_a_sweep_is_newton_steps_on_the_whole_matrix(key):
  classes, num_bits = _classes(12, 3), 4
  # As the two `factorize` below draw: the start, and the orders of the sweep.
  start, end = (
    np.array(
      cnnh.factorize(
        classes, num_bits=num_bits, num_sweeps=num_sweeps, key=key
      ).values,
      np.float64,
    )
    for num_sweeps in (0, 1)
  )
  (order_key,) = jax.random.split(jax.random.split(key)[1], 1)
  columns_key, rows_key = jax.random.split(order_key)
  columns = jax.random.permutation(columns_key, num_bits)
  rows = jax.random.permutation(rows_key, len(classes))
  values = start
  for j, i in itertools.product(columns.tolist(), rows.tolist()):
    rest = values @ values.T - num_bits * _similarity(classes)
    slope = 4 * rest[i] @ values[:, j]
    curvature = values[:, j] @ values[:, j] + values[i, j] ** 2 + rest[i, i]
    moved = values.copy()
    step = -slope / (4 * curvature)
    moved[i, j] = np.clip(values[i, j] + step, -1, 1)
    if _error(moved, classes) < _error(values, classes):
      values = moved
  # Float32 against float64 over 48 steps that depend on each other.
  np.testing.assert_allclose(end, values, atol=1e-4)


def test_codes_reach_the_least_error_of_all_codes():
  classes = np.array([0, 1, 2, 0, 1, 2])
  every = itertools.product([-1, 1], repeat=6 * 2)
  least = min(_error(np.reshape(codes, (6, 2)), classes) for codes in every)
  found = []
  for seed in range(8):
    factors = cnnh.factorize(
      classes, num_bits=2, num_sweeps=5, key=jax.random.key(seed)
    )
    codes = np.where(np.asarray(factors.values) >= 0, 1, -1)
    found.append(_error(codes, classes))
  assert min(found) == pytest.approx(least)
  # A start near another corner may end there; most do not.
  assert np.median(found) == pytest.approx(least)


@pytest.mark.parametrize("num_bits", [16, 48])
def test_a_class_has_one_code_far_from_those_of_the_others(num_bits, key):
  classes = _classes(500, 10)
  factors = cnnh.factorize(classes, num_bits=num_bits, num_sweeps=5, key=key)
  codes = np.asarray(factors.values) >= 0
  shared = np.stack([codes[classes == c].mean(0) > 0.5 for c in range(10)])
  # Where zero is optimal for a class, its images may take either sign.
  assert (codes == shared[classes]).mean() > 0.99
  distances = (shared[:, None] != shared[None]).sum(2)[np.triu_indices(10, 1)]
  # Ten codes of b bits are 5 b / 9 apart on average at most.
  assert distances.mean() > 0.52 * num_bits
  assert distances.min() > 0.3 * num_bits


def test_logistic_loss_is_minus_the_logarithm_of_the_likelihood():
  rng = np.random.default_rng(0)
  outputs = rng.normal(scale=3, size=(5, 4)).astype(np.float32)
  codes = (rng.random((5, 4)) > 0.5).astype(np.float32)
  chances = scipy.special.expit(outputs.astype(np.float64))
  likelihoods = np.where(codes == 1, chances, 1 - chances).prod(axis=1)
  found = float(cnnh.logistic_loss(jnp.asarray(outputs), jnp.asarray(codes)))
  assert found == pytest.approx(-np.log(likelihoods).mean(), rel=1e-5)
