"""Asymmetric inner-product binary coding."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.linear_model
from support.points import correlated_features

from dsth_jax.baselines import aibc, itq


def _centered():
  features = correlated_features(120)
  return features - features.mean(0)


def _learn(centered, start, *, num_iters, fidelity=1.0):
  return aibc.learn(
    jnp.asarray(centered),
    centered.T.astype(float) @ centered,
    start,
    fidelity=fidelity,
    num_iters=num_iters,
  )


def _ridge(centered):
  return aibc.RIDGE * np.mean(np.sum(np.square(centered), axis=0))


def _objective(sides, centered, fidelity):
  """The objective with S written out."""
  num_points, num_bits = sides.query.codes.shape
  centered = centered.astype(np.float64)
  inner = centered @ centered.T * num_bits / np.square(centered).sum(1).mean()
  fitted = np.asarray(sides.query.codes) @ np.asarray(sides.database.codes).T
  penalty = 0.0
  for codes, projection in sides:
    penalty += np.sum((codes - centered @ projection) ** 2)
    penalty += _ridge(centered) * np.sum(np.square(projection))
  return np.sum((fitted - inner) ** 2) + fidelity * num_points * penalty


@pytest.mark.parametrize("fidelity", [0.1, 1.0, 5.0])
def test_aibc_objective_never_rises(fidelity, key):
  centered = _centered()
  start = itq.fit(centered, num_bits=6, key=key).projection
  found = [
    _objective(
      _learn(centered, start, num_iters=num_iters, fidelity=fidelity),
      centered,
      fidelity,
    )
    for num_iters in range(8)
  ]
  # Round-off of the projections in float32.
  assert all(b <= a * (1 + 1e-6) for a, b in itertools.pairwise(found))
  assert found[-1] < 0.95 * found[0]


def test_aibc_projection_is_the_ridge_regression_of_the_codes(key):
  centered = _centered()
  start = itq.fit(centered, num_bits=6, key=key).projection
  for side in _learn(centered, start, num_iters=2):
    expected = sklearn.linear_model.Ridge(_ridge(centered), fit_intercept=False)
    expected.fit(centered.astype(float), np.asarray(side.codes))
    np.testing.assert_allclose(
      side.projection, expected.coef_.T, rtol=1e-4, atol=1e-4
    )


def test_aibc_of_one_bit_takes_the_best_codes(key):
  centered = _centered()
  start = itq.fit(centered, num_bits=1, key=key).projection
  before, after = (
    _learn(centered, start, num_iters=num_iters) for num_iters in (0, 1)
  )
  # The query's codes come first, against the database's of the start; one bit
  # has no others, and each image is independent.
  for image in range(len(centered)):
    flipped = after.query.codes.at[image].multiply(-1)
    kept, changed = (
      _objective(
        aibc.Sides(before.query._replace(codes=codes), before.database),
        centered,
        1.0,
      )
      for codes in (after.query.codes, flipped)
    )
    assert kept <= changed


def test_aibc_encodes_by_the_databases_projection(key):
  features = correlated_features()
  encoder = aibc.fit(features, num_bits=6, num_iters=0, key=key)
  start = itq.fit(features, num_bits=6, key=key)
  sides = _learn(
    features - np.asarray(start.mean), start.projection, num_iters=0
  )
  np.testing.assert_allclose(
    encoder.projection, sides.database.projection, rtol=1e-3, atol=1e-4
  )


def test_aibc_refuses_more_bits_than_components(key):
  with pytest.raises(ValueError, match="aibc was asked for num_bits=21, "):
    aibc.fit(correlated_features(), num_bits=21, key=key)
