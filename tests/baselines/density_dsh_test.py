"""Density sensitive hashing."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
import sklearn.neighbors
from support.points import correlated_features

from dsth_jax.baselines import anchors, density_dsh


def _groups(features, num_groups, key):
  centered = features - features.mean(0)
  return anchors.choose(
    "density_dsh",
    jnp.asarray(centered),
    num_anchors=num_groups,
    num_iters=3,
    key=key,
  )


def _every_plane(groups, num_adjacent):
  """The normal, offset and entropy of each plane, by loops."""
  centers = np.asarray(groups.centers, np.float64)
  sizes = np.asarray(groups.sizes)
  nearest = sklearn.neighbors.NearestNeighbors(n_neighbors=num_adjacent)
  adjacent = nearest.fit(centers).kneighbors(return_distance=False)
  planes = []
  for i in range(len(centers)):
    for j in range(i + 1, len(centers)):
      if j in adjacent[i] or i in adjacent[j]:
        normal = centers[i] - centers[j]
        offset = normal @ (centers[i] + centers[j]) / 2
        above = [c @ normal >= offset for c in centers]
        shares = [sizes[np.equal(above, side)].sum() for side in (True, False)]
        planes.append((normal, offset, scipy.stats.entropy(shares)))
  return planes


def test_density_dsh_takes_the_planes_of_largest_entropy(key):
  features = correlated_features(600)
  encoder = density_dsh.fit(features, num_bits=9, key=key)
  planes = _every_plane(_groups(features, 14, key), num_adjacent=3)
  assert len(planes) > 20
  best = sorted(planes, key=lambda plane: -plane[2])[:9]
  np.testing.assert_allclose(
    encoder.projection, np.stack([plane[0] for plane in best], 1), atol=1e-5
  )
  np.testing.assert_allclose(
    encoder.thresholds, [plane[1] for plane in best], atol=1e-5
  )


def test_density_dsh_planes_lie_halfway_between_two_groups(key):
  features = correlated_features(600)
  encoder = density_dsh.fit(features, num_bits=6, key=key)
  centers = np.asarray(_groups(features, 9, key).centers)
  values = centers @ np.asarray(encoder.projection)
  values -= np.asarray(encoder.thresholds)[None, :]
  for bit, normal in enumerate(np.asarray(encoder.projection).T):
    half = normal @ normal / 2
    assert np.isclose(values[:, bit], half, rtol=1e-4).sum() == 1
    assert np.isclose(values[:, bit], -half, rtol=1e-4).sum() == 1


def test_plane_entropy_is_largest_for_equal_halves():
  sides = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 1]], bool)
  found = density_dsh.plane_entropies(sides, np.array([2, 2, 4]))
  expected = [scipy.stats.entropy([2, 6]), np.log(2), 0]
  np.testing.assert_allclose(found, expected, atol=1e-12)


def test_density_dsh_refuses_more_bits_than_planes(key):
  with pytest.raises(ValueError, match="num_bits=9, but has 3 pairs"):
    density_dsh.fit(
      correlated_features(), num_bits=9, groups_per_bit=0.3, key=key
    )
