"""Principal components."""

import numpy as np
import pytest
import scipy.linalg
import sklearn.decomposition
from support.points import correlated_features

from dsth_jax.baselines import pca


@pytest.mark.parametrize("num_components", [1, 6, 20])
def test_pca_is_scikit_learns(num_components, monkeypatch):
  monkeypatch.setattr(pca, "ROWS_IN_BLOCK", 128)
  features = correlated_features()
  found = pca.fit(features, num_components=num_components)
  expected = sklearn.decomposition.PCA(num_components, svd_solver="full")
  expected.fit(features.astype(np.float64))
  # Variances fall to 1/400 of the largest, resolved to float32's 1e-7 of it.
  np.testing.assert_allclose(
    found.variances, expected.explained_variance_ * 299 / 300, rtol=1e-3
  )
  np.testing.assert_allclose(found.mean, features.mean(0), rtol=1e-5)
  angles = scipy.linalg.subspace_angles(
    np.asarray(found.components, np.float64), expected.components_.T
  )
  # Float32 round-off over the gap of the variances at the cut.
  assert angles.max() < 1e-3


def test_pca_components_are_orthonormal_and_of_fixed_sign():
  components = np.asarray(
    pca.fit(correlated_features(), num_components=20).components
  )
  np.testing.assert_allclose(components.T @ components, np.eye(20), atol=1e-5)
  largest = np.abs(components).argmax(0)
  assert (components[largest, np.arange(20)] > 0).all()
