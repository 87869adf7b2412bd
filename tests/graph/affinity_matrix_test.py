"""The weights of the neighbor graph against the equations."""

import jax.numpy as jnp
import numpy as np
import pytest
from support.neighbor_graphs import ATOL, cosines, dense, normal_features

from dsth_jax import graph


@pytest.mark.parametrize("symmetrize", ["union", "mutual"])
def test_equals_the_equation(symmetrize):
  features = normal_features(60, 4)  # Few features: negative neighbors too.
  found = graph.cosine_knn(features, num_neighbors=25)
  neighbors = [set(row) for row in found.indices.tolist()]
  expected = np.zeros((60, 60))
  for i in range(60):
    for j in range(60):
      directions = (j in neighbors[i], i in neighbors[j])
      joined = any(directions) if symmetrize == "union" else all(directions)
      expected[i, j] = joined * max(cosines(features)[i, j], 0)
  assert np.min(np.asarray(found.similarities)) < 0
  weights = dense(graph.affinity(found, symmetrize=symmetrize))
  np.testing.assert_allclose(weights, expected, atol=ATOL)
  np.testing.assert_array_equal(weights, weights.T)
  np.testing.assert_array_equal(np.diag(weights), 0)


def test_stores_sorted_positive_entries_only():
  found = graph.cosine_knn(normal_features(60, 4), num_neighbors=25)
  affinity = graph.affinity(found)
  assert np.all(np.asarray(affinity.data) > 0)
  assert graph.to_scipy(affinity).has_canonical_format


def test_leaves_out_the_point_itself():
  neighbors = graph.Neighbors(
    jnp.array([[0, 1], [1, 0]], jnp.int32), jnp.array([[1, 0.5], [1, 0.5]])
  )
  np.testing.assert_array_equal(
    dense(graph.affinity(neighbors)), [[0, 0.5], [0.5, 0]]
  )


def test_degrees_are_row_sums():
  affinity = graph.affinity(
    graph.cosine_knn(normal_features(), num_neighbors=5)
  )
  np.testing.assert_allclose(
    graph.degrees(affinity), dense(affinity).sum(axis=1), rtol=1e-6
  )


def test_refuses_another_rule():
  found = graph.cosine_knn(normal_features(20), num_neighbors=2)
  with pytest.raises(ValueError, match=r'"both".*"union".*"mutual"'):
    graph.affinity(found, symmetrize="both")
