"""Spectral hashing."""

import numpy as np
import pytest
import scipy.linalg
from support.points import correlated_features

from dsth_jax.baselines import sh


def _path_eigenvectors(length):
  """The random-walk Laplacian of `length` points in a row, ascending."""
  weights = np.eye(length, k=1) + np.eye(length, k=-1)
  degrees = np.diag(weights.sum(1))
  return scipy.linalg.eigh(degrees - weights, degrees)


def _grid(width, height):
  return np.stack(np.mgrid[:width, :height], axis=-1).reshape(-1, 2) * 1.0


def test_sh_has_the_signs_of_a_boxs_eigenvectors(key):
  # A uniform box, whose grid graph has products of the paths' eigenvectors;
  # spectral hashing takes those that vary along one side.
  width, height, num_bits = 40, 17, 9
  grid = _grid(width, height)
  values, vectors, sides = [], [], []
  for side, length in enumerate((width, height)):
    found = _path_eigenvectors(length)
    values.extend(found[0][1:])
    vectors.extend(found[1].T[1:])
    sides.extend([side] * (length - 1))
  codes = np.asarray(sh.fit(grid, num_bits=num_bits, key=key).encode(grid))
  order = np.argsort(values)[:num_bits]
  assert {sides[i] for i in order} == {0, 1}
  for bit, i in enumerate(order):
    vector = vectors[i][grid[:, sides[i]].astype(int)]
    # At the nodes of an eigenvector round-off decides.
    clear = np.abs(vector) > 1e-4
    agrees = ((codes[:, bit] == 1) == (vector > 0))[clear]
    assert agrees.all() or not agrees.any()


def test_sh_frequencies_are_those_of_the_box(key):
  grid = _grid(40, 17)
  encoder = sh.fit(grid, num_bits=5, key=key)
  # k pi / 39 and k pi / 16, merged by hand: 2 of 39 comes before 1 of 16.
  expected = np.pi * np.array([1 / 39, 2 / 39, 1 / 16, 3 / 39, 4 / 39])
  np.testing.assert_allclose(encoder.frequencies, expected, rtol=1e-5)
  # By eigenvalue the order is the same for every epsilon.
  for epsilon in (0.1, 1.0, 3.0):
    eigenvalues = 1 - np.exp(-((epsilon * expected) ** 2) / 2)
    assert (np.diff(eigenvalues) > 0).all()


@pytest.mark.parametrize("num_modes", [1, 7, 40])
def test_lowest_modes_are_the_lowest_of_all(num_modes):
  lengths = np.random.default_rng(0).uniform(0.5, 5.0, size=6)
  found = sh.lowest_modes(lengths, num_modes)
  every = np.sort(
    [k * np.pi / length for length in lengths for k in range(1, 200)]
  )
  np.testing.assert_allclose(found.frequencies, every[:num_modes], rtol=1e-12)
  harmonics = found.frequencies * lengths[found.sides] / np.pi
  np.testing.assert_allclose(harmonics, np.round(harmonics), rtol=1e-12)


def test_sh_never_takes_a_side_without_length(key):
  assert set(sh.lowest_modes(np.array([2.0, 0.0]), 6).sides) == {0}
  features = correlated_features()
  padded = np.concatenate([features, np.ones((300, 4), np.float32)], axis=1)
  found = sh.fit(padded, num_bits=24, key=key)
  assert np.abs(found.projection[20:]).max() < 1e-6
  expected = sh.fit(features, num_bits=24, key=key)
  np.testing.assert_allclose(found.frequencies, expected.frequencies, rtol=1e-4)
