"""Anchors and affinities to them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.spatial.distance
from support.points import correlated_features

from dsth_jax.baselines import anchors


def _choose(features, num_anchors):
  return anchors.choose(
    "agh",
    jnp.asarray(features),
    num_anchors=num_anchors,
    num_iters=100,
    key=jax.random.key(0),
  )


def test_anchors_are_the_means_of_what_is_nearest_to_them():
  features = correlated_features()
  found = _choose(features, 12)
  distances = scipy.spatial.distance.cdist(features, found.centers)
  nearest = distances.argmin(1)
  np.testing.assert_array_equal(found.sizes, np.bincount(nearest, minlength=12))
  means = [features[nearest == group].mean(0) for group in range(12)]
  np.testing.assert_allclose(found.centers, means, atol=1e-5)


def test_points_that_coincide_make_one_anchor():
  features = np.repeat(correlated_features(11), 7, axis=0)
  found = _choose(features, 12)
  np.testing.assert_array_equal(found.sizes, np.full(11, 7))
  order = np.lexsort(np.asarray(found.centers).T)
  expected = features[::7][np.lexsort(features[::7].T)]
  np.testing.assert_allclose(found.centers[order], expected, atol=1e-5)


def test_fewer_points_than_anchors_are_refused():
  with pytest.raises(
    ValueError, match=r"agh was given 11 images, .* 12 groups"
  ):
    _choose(correlated_features(11), 12)


def test_squared_distances_are_scipys():
  features = correlated_features() - 3.0
  found = anchors.squared_distances(
    jnp.asarray(features), jnp.asarray(features[:30])
  )
  expected = scipy.spatial.distance.cdist(
    features, features[:30], "sqeuclidean"
  )
  np.testing.assert_allclose(found, expected, atol=1e-5)
  assert np.min(found) >= 0


@pytest.mark.parametrize("num_nearest", [1, 3, 30])
def test_affinities_are_a_gaussian_over_the_nearest(num_nearest):
  features = correlated_features() - 3.0
  squared = scipy.spatial.distance.cdist(features, features[:30], "sqeuclidean")
  found = anchors.affinities(
    jnp.asarray(squared), jnp.asarray(0.7), num_nearest=num_nearest
  )
  expected = np.exp(-squared / 0.49)
  far = np.argsort(squared, axis=1)[:, num_nearest:]
  np.put_along_axis(expected, far, 0, axis=1)
  expected /= expected.sum(1, keepdims=True)
  dense = np.zeros_like(expected)
  np.put_along_axis(
    dense, np.asarray(found.indices), np.asarray(found.weights), axis=1
  )
  np.testing.assert_allclose(dense, expected, atol=1e-5)
  np.testing.assert_allclose(np.sum(found.weights, axis=1), 1, rtol=1e-6)


def test_affinities_far_from_all_anchors_sum_to_one():
  squared = jnp.asarray([[1e6, 1e6 + 1.0, 3e6]])
  found = anchors.affinities(squared, jnp.asarray(1.0), num_nearest=2)
  e = np.exp(-1)
  np.testing.assert_allclose(
    found.weights, [[1 / (1 + e), e / (1 + e)]], rtol=1e-5
  )
