"""Gaussian kernels of anchors."""

import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics.pairwise as pairwise
from support.points import correlated_features

from dsth_jax.baselines import kernels


@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_kernels_are_scikit_learns_minus_their_means(shift, key):
  features = correlated_features() + np.float32(shift)
  found = kernels.fit(jnp.asarray(features), num_anchors=40, key=key)
  anchors = np.asarray(found.anchors + found.mean[None, :], np.float64)
  exact = features.astype(np.float64)
  squared = pairwise.euclidean_distances(exact, anchors, squared=True)
  # The features themselves have 1e-7 of their size, 100 times the width.
  np.testing.assert_allclose(found.width, squared.mean(), rtol=1e-4)
  gaussians = pairwise.rbf_kernel(exact, anchors, 1 / (2 * squared.mean()))
  expected = gaussians - gaussians.mean(0)
  values = kernels.evaluate(found, jnp.asarray(features))
  np.testing.assert_allclose(values, expected, atol=1e-4)


def test_anchors_are_different_points(key):
  features = correlated_features()
  found = kernels.fit(jnp.asarray(features), num_anchors=40, key=key)
  anchors = np.asarray(found.anchors + found.mean[None, :])
  squared = pairwise.euclidean_distances(anchors, features, squared=True)
  assert len(set(squared.argmin(1))) == 40
  np.testing.assert_allclose(squared.min(1), 0.0, atol=1e-5)


def test_few_points_are_all_anchors(key):
  features = jnp.asarray(correlated_features(30))
  found = kernels.fit(features, num_anchors=300, key=key)
  assert found.anchors.shape == (30, 20)
