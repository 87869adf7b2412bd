"""Random Fourier features with random thresholds."""

import numpy as np
import pytest
import scipy.spatial.distance
from support.points import correlated_features

from dsth_jax.baselines import sklsh

_NUM_BITS = 40_000
_DISTANCES = np.array([0.05, 0.2, 0.5, 1.0, 2.0, 4.0])


def _shares_of_bits_that_differ(key):
  direction = np.array([0.6, -0.8, 0.0])
  points = np.concatenate([[0.0], _DISTANCES])[:, None] * direction[None, :]
  encoder = sklsh.fit(
    7.0 + 3.0 * points, num_bits=_NUM_BITS, bandwidth=3.0, key=key
  )
  found = np.asarray(encoder.encode(7.0 + 3.0 * points))
  return (found[1:] != found[:1]).mean(1)


def test_sklsh_differs_in_the_share_of_bits_that_the_kernel_says(key):
  found = _shares_of_bits_that_differ(key)
  m = np.arange(1, 2000)[:, None]
  kernel = np.exp(-np.square(m * _DISTANCES[None, :]) / 2)
  # The series over the harmonics of a square wave, of which the bounds below
  # keep the first term.
  expected = 8 / np.pi**2 * np.sum((1 - kernel) / (4 * m**2 - 1), axis=0)
  error = np.sqrt(expected * (1 - expected) / _NUM_BITS)
  # The rest of the series is below 1 / 4000.
  assert (np.abs(found - expected) <= 4 * error + 1 / 4000).all()


def test_sklsh_differs_within_the_papers_bounds(key):
  found = _shares_of_bits_that_differ(key)
  kernel = np.exp(-np.square(_DISTANCES) / 2)
  lower = 4 / np.pi**2 * (1 - kernel)
  upper = np.minimum(
    np.sqrt(1 - kernel) / 2, 4 / np.pi**2 * (1 - 2 * kernel / 3)
  )
  error = 4 * np.sqrt(found * (1 - found) / _NUM_BITS)
  assert (found >= lower - error).all()
  assert (found <= upper + error).all()


def test_sklsh_takes_the_distance_to_the_50th_neighbor(key):
  features = correlated_features() - 3.0
  expected = np.sort(scipy.spatial.distance.cdist(features, features), axis=1)
  # A point's first neighbor is itself.
  np.testing.assert_allclose(
    sklsh.neighbor_distance(features, 50, key=key),
    expected[:, 50].mean(),
    rtol=1e-5,
  )


def test_sklsh_scales_with_the_features(key):
  features = correlated_features()
  found = [
    sklsh.fit(scale * features, num_bits=9, key=key).encode(scale * features)
    for scale in (1, 16)
  ]
  np.testing.assert_array_equal(*found)


def test_sklsh_refuses_copies_without_a_scale(key):
  copies = np.repeat(correlated_features(5), 60, axis=0)
  with pytest.raises(ValueError, match=r"sklsh has a bandwidth of 0\.0"):
    sklsh.fit(copies, num_bits=9, key=key)
  encoder = sklsh.fit(copies, num_bits=9, bandwidth=1.0, key=key)
  assert encoder.encode(copies).shape == (300, 9)
