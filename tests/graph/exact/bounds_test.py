"""The proof of neighbors by bounds, and the search of unproven points."""

import numpy as np
import pytest
from support.neighbor_graphs import (
  ATOL,
  brute_force,
  clustered_features,
  cosines,
  normal_features,
  unit_rows,
)
from support.processor import multiplies_bytes

from dsth_jax import graph
from dsth_jax.graph.exact import bounds, cpu, tiles


@multiplies_bytes
@pytest.mark.parametrize(("times", "more"), [(1, 0), (2, 8)])
def test_points_without_proof_are_searched_again(times, more, monkeypatch):
  monkeypatch.setattr(cpu, "_fastest_scores", lambda *_: bounds.Bounds)
  monkeypatch.setattr(bounds, "_CANDIDATE_FACTOR", times)
  monkeypatch.setattr(bounds, "_EXTRA_CANDIDATES", more)
  searched = []

  def counted(blocks, rows, *rest):
    searched.extend(rows.tolist())
    return search_all(blocks, rows, *rest)

  search_all = bounds._search_all
  monkeypatch.setattr(bounds, "_search_all", counted)
  # Neighbors hardly differ from others: bounds cannot tell them apart.
  features = normal_features(400, 30) + np.float32(20)
  found = graph.cosine_knn(features, num_neighbors=4, block_size=150)
  _, similarities = brute_force(features, 4)
  np.testing.assert_allclose(found.similarities, similarities, atol=ATOL)
  chosen = np.take_along_axis(
    cosines(features), np.asarray(found.indices), axis=1
  )
  np.testing.assert_allclose(chosen, similarities, atol=ATOL)
  assert searched


@multiplies_bytes
def test_bounds_prove_the_neighbors_of_most_points(monkeypatch):
  searched = []
  search_all = bounds._search_all

  def counted(blocks, rows, *rest):
    searched.append(len(rows))
    return search_all(blocks, rows, *rest)

  monkeypatch.setattr(bounds, "_search_all", counted)
  graph.cosine_knn(
    clustered_features(2000, 64), num_neighbors=5, block_size=700
  )
  probes, unproven = searched
  assert probes == bounds._NUM_PROBES
  assert unproven < 0.1 * 2000


@multiplies_bytes
def test_bounds_are_taken_where_they_prove_most():
  def are_fast(points):
    points = unit_rows(points).astype(np.float32)
    tiling = tiles.tiling(len(points), 5, 1000)
    return bounds.are_fast(points.reshape(-1, 1000, 64), tiling)

  assert are_fast(clustered_features(2000, 64))
  # No point is much more similar than the others.
  assert not are_fast(normal_features(2000, 64) + 20)
