"""Iterative quantization of canonical directions."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from sklearn.cross_decomposition import CCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from support.labeled_points import labeled_features

from dsth_jax.baselines import cca_itq


def _canonical(features, classes, regularization):
  return cca_itq.canonical_directions(
    jnp.asarray(features), classes, regularization=regularization
  )


@pytest.mark.parametrize(
  ("num_classes", "num_found"), [(2, 1), (6, 5), (20, 12)]
)
def test_correlations_are_scikit_learns(num_classes, num_found):
  features, classes = labeled_features(num_classes=num_classes)
  found = _canonical(features, classes, 1e-9)
  # The last one-hot column follows from the others.
  one_hot = np.eye(num_classes)[classes, :-1]
  reference = CCA(num_found, max_iter=10_000, tol=1e-12)
  ours, theirs = reference.fit_transform(features.astype(np.float64), one_hot)
  expected = [
    np.corrcoef(ours[:, i], theirs[:, i])[0, 1] for i in range(num_found)
  ]
  # scikit-learn deflates one direction after the other.
  np.testing.assert_allclose(found.correlations, expected, atol=1e-4)


@pytest.mark.parametrize("regularization", [1e-4, 0.5])
def test_directions_solve_the_regularized_eigenproblem(regularization):
  features, classes = labeled_features(num_classes=5)
  found = _canonical(features, classes, regularization)
  one_hot = np.eye(5)[classes]
  covariance = np.cov(features.T.astype(np.float64), one_hot.T, bias=True)
  own, cross, theirs = (
    covariance[:12, :12],
    covariance[:12, 12:],
    covariance[12:, 12:],
  )
  own = own + regularization * np.trace(own) / 12 * np.eye(12)
  explained = cross @ np.linalg.pinv(theirs, rcond=1e-9) @ cross.T
  expected = scipy.linalg.eigh(explained, own)[0][:-5:-1]
  np.testing.assert_allclose(found.correlations**2, expected, rtol=1e-4)
  directions = np.asarray(found.directions, np.float64)
  # Float32 features and covariance.
  np.testing.assert_allclose(
    directions.T @ own @ directions, np.eye(4), atol=1e-4
  )
  np.testing.assert_allclose(
    explained @ directions,
    own @ directions * np.asarray(found.correlations) ** 2,
    atol=1e-3,
  )


def test_directions_span_those_of_discriminant_analysis():
  features, classes = labeled_features(num_classes=5)
  found = _canonical(features, classes, 1e-9)
  reference = LinearDiscriminantAnalysis(solver="eigen")
  reference.fit(features.astype(np.float64), classes)
  angles = scipy.linalg.subspace_angles(
    np.asarray(found.directions, np.float64), reference.scalings_[:, :4]
  )
  assert angles.max() < 1e-3  # float32


@pytest.mark.parametrize("num_bits", [4, 12, 48])
def test_bits_are_rotated_weighted_directions(num_bits, key):
  features, classes = labeled_features(num_classes=5)
  encoder = cca_itq.fit(features, classes, num_bits=num_bits, key=key)
  found = _canonical(features, classes, 1e-4)
  weighted = np.asarray(found.directions * found.correlations[None, :])
  # P = A R with orthogonal R, for any number of bits: P P^T = A A^T.
  projection = np.asarray(encoder.projection)
  np.testing.assert_allclose(
    projection @ projection.T, weighted @ weighted.T, atol=1e-5
  )


def test_more_bits_than_directions_are_more_hyperplanes(key):
  features, classes = labeled_features(num_classes=5)
  encoder = cca_itq.fit(features, classes, num_bits=48, key=key)
  normals = np.asarray(encoder.projection, np.float64)
  assert np.linalg.matrix_rank(normals, tol=1e-4) == 4
  normals /= np.linalg.norm(normals, axis=0)
  # ITQ may bring two bits to one hyperplane, but not to four of them all.
  equal = np.abs(normals.T @ normals) > 0.9999
  assert len(np.unique(equal, axis=0)) > 12


def test_bits_of_two_classes_are_equal_or_opposite(key):
  features, classes = labeled_features(num_classes=2)
  found = cca_itq.fit(features, classes, num_bits=8, key=key).encode(features)
  assert len(np.unique(found, axis=0)) == 2


@pytest.mark.parametrize("regularization", [0.0, -1.0, np.nan])
def test_what_would_divide_by_zero_is_refused(regularization, key):
  features, classes = labeled_features()
  with pytest.raises(ValueError, match="cca_itq was given regularization="):
    cca_itq.fit(
      features, classes, num_bits=4, regularization=regularization, key=key
    )
