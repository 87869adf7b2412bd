"""Supervised hashing with kernels."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from support.labeled_points import labeled_features

from dsth_jax.baselines import kernels, ksh


def _products(classes):
  """S of the paper."""
  return np.where(classes[:, None] == classes[None, :], 1.0, -1.0)


def _values(num_points=60, num_anchors=20, *, key, **settings):
  features, classes = labeled_features(num_points, **settings)
  found = kernels.fit(jnp.asarray(features), num_anchors=num_anchors, key=key)
  values = kernels.evaluate(found, jnp.asarray(features))
  return np.asarray(values, np.float64), classes


def test_residual_is_what_the_bits_have_left():
  _, classes = labeled_features(50)
  bits = np.random.default_rng(0).choice([-1.0, 1.0], (3, 50))
  residual = ksh.label_products(classes, 7)
  for bit in bits:
    residual = residual.without(bit)
  found = np.stack([residual.times(row) for row in np.eye(50)])
  np.testing.assert_allclose(
    found, 7 * _products(classes) - bits.T @ bits, atol=1e-12
  )


def test_spectral_direction_is_the_leading_generalized_eigenvector(key):
  values, classes = _values(key=key)
  residual = ksh.label_products(classes, 5).without(ksh.signs(values[:, 0]))
  matrix = 5 * _products(classes) - np.outer(*2 * [ksh.signs(values[:, 0])])
  found = ksh.spectral_direction(values, residual, ksh.whitening(values))
  eigenvalues = scipy.linalg.eigh(
    values.T @ matrix @ values, values.T @ values, eigvals_only=True
  )
  image = values @ found
  np.testing.assert_allclose(image @ image, 60)
  np.testing.assert_allclose(image @ matrix @ image, 60 * eigenvalues[-1])


def test_smoothed_objective_never_rises(key):
  values, classes = _values(key=key)
  residual = ksh.label_products(classes, 5)
  start = ksh.spectral_direction(values, residual, ksh.whitening(values))

  def objective(num_iters):
    found = ksh.smoothed_direction(values, residual, start, num_iters=num_iters)
    smooth = 2 / (1 + np.exp(-values @ found)) - 1
    return -smooth @ (5 * _products(classes)) @ smooth

  found = [objective(num_iters) for num_iters in (1, 2, 4, 8, 16, 500)]
  assert all(b <= a for a, b in itertools.pairwise(found))
  assert found[-1] < found[0]


def _objective(encoder, features, classes):
  signs = np.where(np.asarray(encoder.encode(features)) == 1, 1.0, -1.0)
  return np.sum((signs @ signs.T / signs.shape[1] - _products(classes)) ** 2)


@pytest.mark.parametrize("seed", range(3))
def test_smoothing_never_makes_a_bit_worse_than_its_relaxation(seed):
  key = jax.random.key(seed)
  features, classes = labeled_features(120)
  settings = {"num_bits": 1, "num_anchors": 30, "key": key}
  smoothed, relaxed = (
    ksh.fit(features, classes, num_iters=num_iters, **settings)
    for num_iters in (500, 0)
  )
  assert _objective(smoothed, features, classes) <= _objective(
    relaxed, features, classes
  )


@pytest.mark.parametrize("num_classes", [2, 3, 4])
def test_first_bit_of_a_tiny_problem_is_the_best_of_all(num_classes, key):
  features, classes = labeled_features(12, num_classes=num_classes)
  encoder = ksh.fit(features, classes, num_bits=1, key=key)
  every_bit = np.array(list(itertools.product([-1.0, 1.0], repeat=12)))
  gains = np.einsum("hi,ij,hj->h", every_bit, _products(classes), every_bit)
  # || h h^T - S ||^2 = 2 l^2 - 2 h^T S h.
  found = _objective(encoder, features, classes)
  np.testing.assert_allclose(found, 2 * 144 - 2 * gains.max())


def test_later_bits_of_a_tiny_problem_are_the_best_for_what_is_left(key):
  values, classes = _values(12, 12, num_classes=4, key=key)
  directions = ksh.greedy_directions(values, classes, num_bits=4, num_iters=500)
  every_bit = np.array(list(itertools.product([-1.0, 1.0], repeat=12)))
  left = 4 * _products(classes)
  for direction in directions.T:
    bit = np.where(values @ direction >= 0, 1.0, -1.0)
    gains = np.einsum("hi,ij,hj->h", every_bit, left, every_bit)
    np.testing.assert_allclose(bit @ left @ bit, gains.max())
    left = left - np.outer(bit, bit)


def test_copies_of_anchors_leave_their_span(key):
  values, _ = _values(key=key)
  basis = ksh.whitening(np.concatenate([values, values], axis=1))
  assert basis.shape[1] <= 20
  white = np.concatenate([values, values], axis=1) @ basis
  np.testing.assert_allclose(
    white.T @ white, 60 * np.eye(basis.shape[1]), atol=1e-6
  )
