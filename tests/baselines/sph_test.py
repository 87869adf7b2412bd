"""Spherical hashing."""

import numpy as np
import pytest
import scipy.spatial.distance
from support.points import correlated_features

from dsth_jax.baselines import sph


def _features(num_points=2000):
  return np.random.default_rng(0).normal(size=(num_points, 24)).astype("f4")


@pytest.mark.parametrize("num_points", [2000, 1999])
def test_sph_halves_the_features_and_quarters_them_in_pairs(num_points, key):
  features = _features(num_points)
  codes = np.asarray(
    sph.fit(features, num_bits=16, key=key).encode(features), int
  )
  assert (codes.sum(0) == (num_points + 1) // 2).all()
  overlaps = (codes.T @ codes)[np.triu_indices(16, 1)]
  quarter = num_points / 4
  assert np.mean(np.abs(overlaps - quarter)) <= 0.10 * quarter
  assert np.std(overlaps) <= 0.15 * quarter


def test_sph_starts_far_from_its_own_rule(key):
  # Else the test above would show nothing.
  features = _features()
  codes = np.asarray(
    sph.fit(features, num_bits=16, max_iters=0, key=key).encode(features), int
  )
  overlaps = (codes.T @ codes)[np.triu_indices(16, 1)]
  assert np.mean(np.abs(overlaps - 500)) > 0.10 * 500


def test_sph_begins_with_balls_around_features(key):
  features = correlated_features(301)
  encoder = sph.fit(features, num_bits=5, max_iters=0, key=key)
  pivots = np.asarray(encoder.pivots + encoder.mean[None, :])
  distances = scipy.spatial.distance.cdist(features, pivots)
  np.testing.assert_allclose(distances.min(0), 0, atol=1e-5)
  # Half of the points, and for an odd number the one in the middle.
  inside = distances < np.sqrt(encoder.squared_radii)[None, :]
  assert (inside.sum(0) == 151).all()
  np.testing.assert_array_equal(encoder.encode(features), inside)


def test_sph_moves_pivots_by_the_mean_force(key):
  features = correlated_features()
  pivots, moved = (
    np.asarray(
      sph.fit(features, num_bits=5, max_iters=steps, key=key).pivots, float
    )
    for steps in (0, 1)
  )
  codes = np.asarray(
    sph.fit(features, num_bits=5, max_iters=0, key=key).encode(features), int
  )
  quarter = len(features) / 4
  expected = pivots.copy()
  for i in range(5):
    for j in range(5):
      excess = (np.sum(codes[:, i] & codes[:, j]) - quarter) / quarter
      expected[i] += excess / 2 * (pivots[i] - pivots[j]) / 5
  np.testing.assert_allclose(moved, expected, atol=1e-5)
