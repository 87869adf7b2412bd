"""Components and the edges that join them, against networkx."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
from support.neighbor_graphs import (
  ATOL,
  cosines,
  dense,
  from_edges,
  normal_features,
)

from dsth_jax import graph
from dsth_jax.graph import components


def test_equal_those_of_networkx():
  found = graph.cosine_knn(normal_features(80, 3), num_neighbors=2)
  affinity = graph.affinity(found, symmetrize="mutual")
  found = graph.connected_components(affinity)
  expected = list(nx.connected_components(nx.from_numpy_array(dense(affinity))))
  assert found.num_components == len(expected) > 5
  for points in expected:
    same = found.component == found.component[min(points)]
    np.testing.assert_array_equal(np.flatnonzero(same), sorted(points))


@pytest.mark.parametrize("block_size", [4, 1024])
def test_joined_by_a_maximum_spanning_tree(block_size):
  features = normal_features(60, 6)
  affinity = graph.affinity(
    graph.cosine_knn(features, num_neighbors=2), symmetrize="mutual"
  )
  before = graph.connected_components(affinity)
  joined = graph.connect_components(affinity, features, block_size=block_size)
  assert graph.connected_components(joined.affinity).num_components == 1
  assert joined.num_edges_added == before.num_components - 1
  between = nx.Graph()
  for i, j in np.argwhere(np.triu(np.ones((60, 60)), 1)):
    ends = int(before.component[i]), int(before.component[j])
    weight = max(
      cosines(features)[i, j],
      between.get_edge_data(*ends, {"weight": -1})["weight"],
    )
    if ends[0] != ends[1]:
      between.add_edge(*ends, weight=weight)
  tree = nx.maximum_spanning_tree(between)
  expected = sorted(w for _, _, w in tree.edges(data="weight"))
  added = np.triu(dense(joined.affinity) - dense(affinity))
  np.testing.assert_allclose(np.sort(added[added > 0]), expected, atol=ATOL)


def test_a_connected_graph_stays_as_it_is():
  features = normal_features(40)
  affinity = graph.affinity(graph.cosine_knn(features, num_neighbors=10))
  joined = graph.connect_components(affinity, features)
  assert joined.num_edges_added == 0
  assert joined.affinity is affinity


def test_points_without_direction_are_joined_lightly():
  features = np.abs(normal_features(30))
  features[[3, 8]] = 0
  affinity = graph.affinity(graph.cosine_knn(features, num_neighbors=5))
  joined = graph.connect_components(affinity, features)
  assert joined.num_edges_added == 2
  np.testing.assert_allclose(
    graph.degrees(joined.affinity)[jnp.array([3, 8])],
    graph.MIN_WEIGHT,
    rtol=1e-6,
  )


def test_a_graph_without_edges_becomes_a_tree():
  features = np.zeros((9, 2), np.float32)
  affinity = graph.affinity(graph.cosine_knn(features, num_neighbors=2))
  joined = graph.connect_components(affinity, features)
  assert joined.num_edges_added == 8
  assert graph.connected_components(joined.affinity).num_components == 1


def test_opposite_foundare_joined_by_a_positive_weight():
  features = np.array([[1, 0], [2, 0], [-1, 0], [-2, 0]], np.float32)
  affinity = from_edges(4, [(0, 1, 1.0), (2, 3, 1.0)])
  joined = graph.connect_components(affinity, features)
  weights = np.unique(dense(joined.affinity))
  np.testing.assert_allclose(weights, [0, graph.MIN_WEIGHT, 1])


def test_refuses_features_of_other_points():
  affinity = from_edges(4, [(0, 1, 1.0)])
  with pytest.raises(ValueError, match=r"5 features.*4 points"):
    graph.connect_components(affinity, normal_features(5))


def test_memory_is_that_of_rows():
  num_points, block_size = 4096, 64
  rows = jax.ShapeDtypeStruct((block_size, 8), jnp.float32)
  points = jax.ShapeDtypeStruct((num_points, 8), jnp.float32)
  program = components._nearest_outside.lower(
    rows,
    points,
    jax.ShapeDtypeStruct((block_size,), jnp.int32),
    jax.ShapeDtypeStruct((num_points,), jnp.int32),
  )
  memory = program.compile().memory_analysis()
  assert memory.temp_size_in_bytes < 4 * 4 * block_size * num_points
