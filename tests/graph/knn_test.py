"""The exact neighbors against brute force and scikit-learn."""

import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from sklearn import neighbors as sklearn_neighbors
from support.neighbor_graphs import (
  ATOL,
  brute_force,
  cosines,
  normal_features,
  tied_features,
)
from support.processor import multiplies_bytes

from dsth_jax import graph
from dsth_jax.graph import knn
from dsth_jax.graph.exact import bounds, cpu, device, topk


@pytest.fixture(
  params=[
    pytest.param((cpu.CpuSearch, cpu.Cosines, 4), id="cosines"),
    pytest.param((cpu.CpuSearch, cpu.Cosines, 0), id="cosines, filtered"),
    pytest.param(
      (cpu.CpuSearch, bounds.Bounds, 4), id="bounds", marks=multiplies_bytes
    ),
    pytest.param(
      (cpu.CpuSearch, bounds.Bounds, 0),
      id="bounds, filtered",
      marks=multiplies_bytes,
    ),
    pytest.param((device.DeviceSearch, None, 0), id="device"),
  ]
)
def search(request, monkeypatch):
  """Every tile search, on any backend."""
  tile_search, scores, max_candidates = request.param
  monkeypatch.setattr(knn, "tile_search", lambda: tile_search)
  monkeypatch.setattr(cpu, "_fastest_scores", lambda *_: scores)
  monkeypatch.setattr(topk, "_MAX_CANDIDATES", max_candidates)


# Tiles with chunks and without; k larger than a tile, and all others.
@pytest.mark.usefixtures("search")
@pytest.mark.parametrize(
  ("num_neighbors", "block_size"), [(3, 64), (12, 4096), (30, 20), (149, 80)]
)
def test_equals_brute_force(num_neighbors, block_size):
  features = normal_features()
  found = graph.cosine_knn(
    features, num_neighbors=num_neighbors, block_size=block_size
  )
  _, expected = brute_force(features, num_neighbors)
  np.testing.assert_allclose(found.similarities, expected, atol=ATOL)
  # The indices are those of the similarities, and no index comes twice.
  chosen = np.take_along_axis(
    cosines(features), np.asarray(found.indices), axis=1
  )
  np.testing.assert_allclose(chosen, expected, atol=ATOL)
  assert all(len(set(row)) == num_neighbors for row in found.indices.tolist())
  assert np.all(np.asarray(found.indices) != np.arange(150)[:, None])


@pytest.mark.usefixtures("search")
@pytest.mark.parametrize(
  ("num_neighbors", "block_size"), [(1, 4096), (4, 70), (4, 4096), (20, 30)]
)
def test_ties_go_to_the_lower_index(num_neighbors, block_size):
  features = tied_features()
  found = graph.cosine_knn(
    features, num_neighbors=num_neighbors, block_size=block_size
  )
  indices, similarities = brute_force(features, num_neighbors)
  np.testing.assert_array_equal(found.indices, indices)
  np.testing.assert_array_equal(found.similarities, similarities)


@pytest.mark.usefixtures("search")
@pytest.mark.parametrize("block_size", [25, 4096])
def test_equal_points_are_each_others_neighbors_by_index(block_size):
  features = np.full((70, 5), 0.3, np.float32)
  found = graph.cosine_knn(features, num_neighbors=3, block_size=block_size)
  np.testing.assert_allclose(found.similarities, 1, atol=ATOL)
  expected = [[j for j in range(5) if j != i][:3] for i in range(70)]
  np.testing.assert_array_equal(found.indices, expected)


@pytest.mark.usefixtures("search")
def test_duplicates_are_neighbors():
  features = np.repeat(normal_features(10), 2, axis=0)
  found = graph.cosine_knn(features, num_neighbors=1)
  np.testing.assert_array_equal(found.indices[:, 0], np.arange(20) ^ 1)


@pytest.mark.usefixtures("search")
def test_later_tiles_hold_more_similar_points():
  # Along the circle each later tile is closer to the points at its end.
  angles = np.linspace(0, 3, 400) ** 2 / 3
  features = np.stack([np.cos(angles), np.sin(angles)], axis=1)
  found = graph.cosine_knn(features, num_neighbors=2, block_size=40)
  _, expected = brute_force(features, 2)
  np.testing.assert_allclose(found.similarities, expected, atol=ATOL)


@pytest.mark.usefixtures("search")
def test_takes_any_float_and_layout():
  features = normal_features(60)
  expected = graph.cosine_knn(features, num_neighbors=4)
  wide = np.repeat(features, 2, axis=1)
  for same in (
    features.astype(np.float64),
    wide[:, ::2],
    np.asfortranarray(features),
    jnp.asarray(features),
  ):
    found = graph.cosine_knn(same, num_neighbors=4, block_size=25)
    assert found.similarities.dtype == jnp.float32
    np.testing.assert_array_equal(found.indices, expected.indices)
  halves = features.astype(np.float16)
  found = graph.cosine_knn(halves, num_neighbors=4)
  _, expected = brute_force(halves.astype(np.float32), 4)
  np.testing.assert_allclose(found.similarities, expected, atol=ATOL)


def test_equals_scikit_learn():
  features = normal_features()
  model = sklearn_neighbors.NearestNeighbors(
    n_neighbors=8, metric="cosine", algorithm="brute"
  ).fit(features)
  distances, indices = model.kneighbors()  # Leaves the point itself out.
  found = graph.cosine_knn(features, num_neighbors=8)
  np.testing.assert_array_equal(found.indices, indices)
  np.testing.assert_allclose(found.similarities, 1 - distances, atol=ATOL)


def test_invariant_to_the_scale_of_each_row():
  features = normal_features().astype(np.float64)
  scales = 10.0 ** np.linspace(-200, 200, len(features))
  plain = graph.cosine_knn(features, num_neighbors=5)
  scaled = graph.cosine_knn(features * scales[:, None], num_neighbors=5)
  np.testing.assert_array_equal(plain.indices, scaled.indices)


def test_equivariant_to_the_order_of_rows():
  features = normal_features()
  order = np.random.default_rng(1).permutation(len(features))
  plain = graph.cosine_knn(features, num_neighbors=5)
  shuffled = graph.cosine_knn(features[order], num_neighbors=5)
  np.testing.assert_array_equal(
    order[np.asarray(shuffled.indices)], np.asarray(plain.indices)[order]
  )


def test_takes_a_memory_map(tmp_path):
  features = normal_features(40)
  np.save(tmp_path / "features.npy", features)
  mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
  np.testing.assert_array_equal(
    graph.cosine_knn(mapped, num_neighbors=3, block_size=16).indices,
    graph.cosine_knn(features, num_neighbors=3).indices,
  )


def test_a_zero_row_has_cosine_zero_with_all():
  features = np.abs(normal_features(30))
  features[4] = 0
  found = graph.cosine_knn(features, num_neighbors=3)
  np.testing.assert_array_equal(found.similarities[4], 0)
  assert np.all(np.isfinite(np.asarray(found.similarities)))
  isolated = np.flatnonzero(
    np.asarray(graph.degrees(graph.affinity(found))) == 0
  )
  np.testing.assert_array_equal(isolated, [4])


def test_progress_ends_with_all_rows():
  seen = []
  graph.cosine_knn(
    normal_features(), num_neighbors=3, block_size=40, progress=seen.append
  )
  assert seen == sorted(seen)
  assert seen[-1] == 150


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuses_what_is_not_finite(value):
  features = normal_features(30)
  features[17, 3] = value
  with pytest.raises(ValueError, match="row 17"):
    graph.cosine_knn(features, num_neighbors=2, block_size=8)


def test_refuses_too_few_points():
  with pytest.raises(ValueError, match="12 points, need at least 13"):
    graph.cosine_knn(normal_features(12), num_neighbors=12)


def test_takes_just_enough_points():
  found = graph.cosine_knn(normal_features(13), num_neighbors=12)
  assert all(len(set(row)) == 12 for row in found.indices.tolist())


def test_refuses_no_neighbors():
  with pytest.raises(ValueError, match="num_neighbors is 0"):
    graph.cosine_knn(normal_features(12), num_neighbors=0)


def test_refuses_no_tile():
  with pytest.raises(ValueError, match="block_size is 0"):
    graph.cosine_knn(normal_features(12), num_neighbors=2, block_size=0)


@pytest.mark.parametrize("shape", [(12,), (3, 4, 5)])
def test_refuses_what_is_not_a_matrix(shape):
  features = np.ones(shape, np.float32)
  # Users do not have the shape checks of the tests.
  jaxtyping.config.update("jaxtyping_disable", True)
  try:
    with pytest.raises(ValueError, match="one row a point"):
      graph.cosine_knn(features, num_neighbors=2)
  finally:
    jaxtyping.config.update("jaxtyping_disable", False)
