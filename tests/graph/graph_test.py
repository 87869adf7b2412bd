"""The neighbour graph against brute force, scikit-learn and networkx."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from sklearn import neighbors as sklearn_neighbors
from support.processor import multiplies_bytes

from benchmarks.points import clustered
from dsth_jax import graph
from dsth_jax.graph import components, knn
from dsth_jax.graph.exact import bounds, cpu, device, tiles, topk

# Float32 cosines of some tens of terms are right to about 1e-7.
ATOL = 1e-6


def normal_features(num_points=150, num_features=12, seed=0):
  rng = np.random.default_rng(seed)
  return rng.normal(size=(num_points, num_features)).astype(np.float32)


def tied_features(num_points=200, seed=0):
  """Rows of four ones among eight: the cosines are multiples of 1/4, exact."""
  rng = np.random.default_rng(seed)
  ones = np.argsort(rng.random((num_points, 8)), axis=1)[:, :4]
  features = np.zeros((num_points, 8), np.float32)
  np.put_along_axis(features, ones, 1, axis=1)
  return features


def cosines(features):
  features = np.asarray(features, np.float64)
  norms = np.linalg.norm(features, axis=1, keepdims=True)
  unit = features / np.where(norms == 0, 1, norms)
  return unit @ unit.T


def brute_force(features, num_neighbors):
  similarities = cosines(features)
  np.fill_diagonal(similarities, -np.inf)
  indices = np.argsort(-similarities, axis=1, kind="stable")
  indices = indices[:, :num_neighbors]
  return indices, np.take_along_axis(similarities, indices, axis=1)


def dense(affinity):
  return graph.to_scipy(affinity).toarray()


def from_edges(num_points, edges):
  rows, columns, weights = zip(*edges)
  upper = scipy.sparse.coo_matrix((weights, (rows, columns)), [num_points] * 2)
  return graph.from_scipy((upper + upper.T).tocsr())


@pytest.fixture(
  params=[
    pytest.param((cpu, cpu.Cosines, 4), id="cosines"),
    pytest.param((cpu, cpu.Cosines, 0), id="cosines, thinned"),
    pytest.param((cpu, bounds.Bounds, 4), id="bounds", marks=multiplies_bytes),
    pytest.param(
      (cpu, bounds.Bounds, 0),
      id="bounds, thinned",
      marks=multiplies_bytes,
    ),
    pytest.param((device, None, 0), id="device"),
  ]
)
def form(request, monkeypatch):
  """Every form of the search, whatever the backend."""
  module, scores, too_many = request.param
  monkeypatch.setattr(knn, "fastest_form", lambda: module)
  monkeypatch.setattr(cpu, "_fastest_scores", lambda *_: scores)
  monkeypatch.setattr(topk, "_TOO_MANY", too_many)
  return module


class TestCosineKnn:
  # Tiles with chunks and without; k larger than a tile, and all others.
  @pytest.mark.usefixtures("form")
  @pytest.mark.parametrize(
    ("num_neighbors", "block_size"), [(3, 64), (12, 4096), (30, 20), (149, 80)]
  )
  def test_equals_brute_force(self, num_neighbors, block_size):
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

  @pytest.mark.usefixtures("form")
  @pytest.mark.parametrize(
    ("num_neighbors", "block_size"), [(1, 4096), (4, 70), (4, 4096), (20, 30)]
  )
  def test_ties_go_to_the_lower_index(self, num_neighbors, block_size):
    features = tied_features()
    found = graph.cosine_knn(
      features, num_neighbors=num_neighbors, block_size=block_size
    )
    indices, similarities = brute_force(features, num_neighbors)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_array_equal(found.similarities, similarities)

  @multiplies_bytes
  @pytest.mark.parametrize(("times", "more"), [(1, 0), (2, 8)])
  def test_points_without_proof_are_searched_again(
    self, times, more, monkeypatch
  ):
    monkeypatch.setattr(cpu, "_fastest_scores", lambda *_: bounds.Bounds)
    monkeypatch.setattr(bounds, "_TIMES", times)
    monkeypatch.setattr(bounds, "_MORE", more)
    searched = []

    def counted(blocks, rows, *rest):
      searched.extend(rows.tolist())
      return among_all(blocks, rows, *rest)

    among_all = bounds._among_all
    monkeypatch.setattr(bounds, "_among_all", counted)
    # Neighbours nearly as near as others: bounds alone would mix them up.
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
  def test_bounds_prove_the_neighbours_of_most_points(self, monkeypatch):
    searched = []
    among_all = bounds._among_all

    def counted(blocks, rows, *rest):
      searched.append(len(rows))
      return among_all(blocks, rows, *rest)

    monkeypatch.setattr(bounds, "_among_all", counted)
    graph.cosine_knn(clustered(2000, 64), num_neighbors=5, block_size=700)
    probes, unproven = searched
    assert probes == bounds._PROBES
    assert unproven < 0.1 * 2000

  @multiplies_bytes
  def test_bounds_are_taken_where_they_prove_most(self):
    def are_fast(points):
      norms = np.linalg.norm(points, axis=1, keepdims=True)
      points = (points / norms).astype(np.float32)
      tiling = tiles.tiling(len(points), 5, 1000)
      return bounds.are_fast(points.reshape(-1, 1000, 64), tiling)

    assert are_fast(clustered(2000, 64))
    # Nobody is much nearer than the others.
    assert not are_fast(normal_features(2000, 64) + 20)

  @pytest.mark.usefixtures("form")
  def test_all_points_equal(self):
    features = np.full((40, 4), 3.0, np.float32)
    found = graph.cosine_knn(features, num_neighbors=5)
    np.testing.assert_array_equal(found.indices, brute_force(features, 5)[0])

  @pytest.mark.usefixtures("form")
  def test_duplicates_are_neighbours(self):
    features = np.repeat(normal_features(10), 2, axis=0)
    found = graph.cosine_knn(features, num_neighbors=1)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(20) ^ 1)

  @pytest.mark.usefixtures("form")
  def test_every_tile_brings_nearer_neighbours(self):
    # Along the circle every later tile is nearer to the points at its end.
    angles = np.linspace(0, 3, 400) ** 2 / 3
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = graph.cosine_knn(features, num_neighbors=2, block_size=40)
    _, expected = brute_force(features, 2)
    np.testing.assert_allclose(found.similarities, expected, atol=ATOL)

  @pytest.mark.usefixtures("form")
  def test_features_of_any_kind(self):
    features = normal_features(60)
    expected = graph.cosine_knn(features, num_neighbors=4)
    wide = np.repeat(features, 2, axis=1)
    for same in (
      features.astype(np.float64),
      wide[:, ::2],
      np.asfortranarray(features),
    ):
      found = graph.cosine_knn(same, num_neighbors=4, block_size=25)
      np.testing.assert_array_equal(found.indices, expected.indices)
    halves = features.astype(np.float16)
    found = graph.cosine_knn(halves, num_neighbors=4)
    _, expected = brute_force(halves.astype(np.float32), 4)
    np.testing.assert_allclose(found.similarities, expected, atol=ATOL)

  @pytest.mark.usefixtures("form")
  def test_equal_points_are_each_others_neighbours_by_index(self):
    features = np.full((70, 5), 0.3, np.float32)
    found = graph.cosine_knn(features, num_neighbors=3, block_size=25)
    np.testing.assert_allclose(found.similarities, 1, atol=ATOL)
    expected = [[j for j in range(5) if j != i][:3] for i in range(70)]
    np.testing.assert_array_equal(found.indices, expected)

  def test_equals_scikit_learn(self):
    features = normal_features()
    model = sklearn_neighbors.NearestNeighbors(
      n_neighbors=8, metric="cosine", algorithm="brute"
    ).fit(features)
    distances, indices = model.kneighbors()  # Leaves the point itself out.
    found = graph.cosine_knn(features, num_neighbors=8)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.similarities, 1 - distances, atol=ATOL)

  def test_invariant_to_the_scale_of_each_row(self):
    features = normal_features().astype(np.float64)
    scales = 10.0 ** np.linspace(-200, 200, len(features))
    plain = graph.cosine_knn(features, num_neighbors=5)
    scaled = graph.cosine_knn(features * scales[:, None], num_neighbors=5)
    np.testing.assert_array_equal(plain.indices, scaled.indices)

  def test_equivariant_to_the_order_of_rows(self):
    features = normal_features()
    order = np.random.default_rng(1).permutation(len(features))
    plain = graph.cosine_knn(features, num_neighbors=5)
    shuffled = graph.cosine_knn(features[order], num_neighbors=5)
    np.testing.assert_array_equal(
      order[np.asarray(shuffled.indices)], np.asarray(plain.indices)[order]
    )

  @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
  def test_takes_any_float_and_layout(self, dtype):
    features = normal_features(40).astype(dtype)
    wide = np.repeat(features, 2, axis=1)
    expected = graph.cosine_knn(
      features.astype(np.float32), num_neighbors=3
    ).indices
    for same in (
      np.asfortranarray(features),
      wide[:, ::2],
      jnp.asarray(features),
    ):
      found = graph.cosine_knn(same, num_neighbors=3)
      assert found.similarities.dtype == jnp.float32
      np.testing.assert_array_equal(found.indices, expected)

  def test_takes_a_memory_map(self, tmp_path):
    features = normal_features(40)
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    np.testing.assert_array_equal(
      graph.cosine_knn(mapped, num_neighbors=3, block_size=16).indices,
      graph.cosine_knn(features, num_neighbors=3).indices,
    )

  def test_a_zero_row_has_cosine_zero_with_all(self):
    features = np.abs(normal_features(30))
    features[4] = 0
    found = graph.cosine_knn(features, num_neighbors=3)
    np.testing.assert_array_equal(found.similarities[4], 0)
    assert np.all(np.isfinite(np.asarray(found.similarities)))
    isolated = np.flatnonzero(
      np.asarray(graph.degrees(graph.affinity(found))) == 0
    )
    np.testing.assert_array_equal(isolated, [4])

  def test_progress_ends_with_all_rows(self):
    seen = []
    graph.cosine_knn(
      normal_features(), num_neighbors=3, block_size=40, progress=seen.append
    )
    assert seen == sorted(seen)
    assert seen[-1] == 150

  def test_memory_is_that_of_tiles(self):
    side, num_features = 512, 16
    points = jax.ShapeDtypeStruct((side, num_features), jnp.float32)
    tile = jax.ShapeDtypeStruct((side, side), jnp.float32)
    index = jax.ShapeDtypeStruct((), jnp.int32)
    best = jax.eval_shape(lambda: tiles.no_neighbors(side, 12))
    programs = [tiles.similarities.lower(points, points, index, index, index)]
    programs += [
      tiles.merge.lower(best, tile, index, chunk=4, axis=axis)
      for axis in (0, 1)
    ]
    for program in programs:
      memory = program.compile().memory_analysis()
      used = memory.temp_size_in_bytes + memory.output_size_in_bytes
      # The tile, and what is made of it: nothing here knows n.
      assert used < 3 * 4 * side**2

  def test_one_compilation_for_all_tiles(self, monkeypatch):
    monkeypatch.setattr(knn, "fastest_form", lambda: device)
    tiles.merge.clear_cache()
    tiles.similarities.clear_cache()
    for block_size in (33, 34):  # 5 tiles a side of 30: the sides agree.
      graph.cosine_knn(
        normal_features(), num_neighbors=6, block_size=block_size
      )
    # For rows and for columns.
    assert tiles.merge._cache_size() == 2
    assert tiles.similarities._cache_size() == 1

  @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
  def test_refuses_what_is_not_finite(self, value):
    features = normal_features(30)
    features[17, 3] = value
    with pytest.raises(ValueError, match="row 17"):
      graph.cosine_knn(features, num_neighbors=2, block_size=8)

  def test_refuses_too_few_points(self):
    with pytest.raises(ValueError, match="12 points, need at least 13"):
      graph.cosine_knn(normal_features(12), num_neighbors=12)

  def test_takes_just_enough_points(self):
    found = graph.cosine_knn(normal_features(13), num_neighbors=12)
    assert all(len(set(row)) == 12 for row in found.indices.tolist())

  def test_refuses_no_neighbours(self):
    with pytest.raises(ValueError, match="num_neighbors is 0"):
      graph.cosine_knn(normal_features(12), num_neighbors=0)

  def test_refuses_no_tile(self):
    with pytest.raises(ValueError, match="block_size is 0"):
      graph.cosine_knn(normal_features(12), num_neighbors=2, block_size=0)

  @pytest.mark.parametrize("shape", [(12,), (3, 4, 5)])
  def test_refuses_what_is_not_a_matrix(self, shape, without_shape_checks):
    with pytest.raises(ValueError, match="one row a point"):
      graph.cosine_knn(np.ones(shape, np.float32), num_neighbors=2)


@pytest.fixture
def without_shape_checks():
  """Users run without the shape checks of the tests."""
  import jaxtyping

  jaxtyping.config.update("jaxtyping_disable", True)
  yield
  jaxtyping.config.update("jaxtyping_disable", False)


class TestAffinity:
  @pytest.mark.parametrize("symmetrize", ["union", "mutual"])
  def test_equals_the_equation(self, symmetrize):
    features = normal_features(60, 4)  # Few features: negative neighbours too.
    found = graph.cosine_knn(features, num_neighbors=25)
    neighbours = [set(row) for row in found.indices.tolist()]
    expected = np.zeros((60, 60))
    for i in range(60):
      for j in range(60):
        directions = (j in neighbours[i], i in neighbours[j])
        joined = any(directions) if symmetrize == "union" else all(directions)
        expected[i, j] = joined * max(cosines(features)[i, j], 0)
    assert np.min(np.asarray(found.similarities)) < 0
    weights = dense(graph.affinity(found, symmetrize=symmetrize))
    np.testing.assert_allclose(weights, expected, atol=ATOL)
    np.testing.assert_array_equal(weights, weights.T)
    np.testing.assert_array_equal(np.diag(weights), 0)

  def test_stores_sorted_positive_entries_only(self):
    found = graph.cosine_knn(normal_features(60, 4), num_neighbors=25)
    affinity = graph.affinity(found)
    assert np.all(np.asarray(affinity.data) > 0)
    assert graph.to_scipy(affinity).has_canonical_format

  def test_leaves_out_the_point_itself(self):
    neighbors = graph.Neighbors(
      jnp.array([[0, 1], [1, 0]], jnp.int32), jnp.array([[1, 0.5], [1, 0.5]])
    )
    np.testing.assert_array_equal(
      dense(graph.affinity(neighbors)), [[0, 0.5], [0.5, 0]]
    )

  def test_degrees_are_row_sums(self):
    affinity = graph.affinity(
      graph.cosine_knn(normal_features(), num_neighbors=5)
    )
    np.testing.assert_allclose(
      graph.degrees(affinity), dense(affinity).sum(axis=1), rtol=1e-6
    )

  def test_refuses_another_rule(self):
    found = graph.cosine_knn(normal_features(20), num_neighbors=2)
    with pytest.raises(ValueError, match=r'"both".*"union".*"mutual"'):
      graph.affinity(found, symmetrize="both")


class TestComponents:
  def test_equal_those_of_networkx(self):
    found = graph.cosine_knn(normal_features(80, 3), num_neighbors=2)
    affinity = graph.affinity(found, symmetrize="mutual")
    components_ = graph.connected_components(affinity)
    expected = list(
      nx.connected_components(nx.from_numpy_array(dense(affinity)))
    )
    assert components_.num_components == len(expected) > 5
    for points in expected:
      same = components_.component == components_.component[min(points)]
      np.testing.assert_array_equal(np.flatnonzero(same), sorted(points))

  @pytest.mark.parametrize("block_size", [4, 1024])
  def test_joined_by_a_maximum_spanning_tree(self, block_size):
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

  def test_a_connected_graph_stays_as_it_is(self):
    features = normal_features(40)
    affinity = graph.affinity(graph.cosine_knn(features, num_neighbors=10))
    joined = graph.connect_components(affinity, features)
    assert joined.num_edges_added == 0
    assert joined.affinity is affinity

  def test_points_without_direction_are_joined_lightly(self):
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

  def test_a_graph_without_edges_becomes_a_tree(self):
    features = np.zeros((9, 2), np.float32)
    affinity = graph.affinity(graph.cosine_knn(features, num_neighbors=2))
    joined = graph.connect_components(affinity, features)
    assert joined.num_edges_added == 8
    assert graph.connected_components(joined.affinity).num_components == 1

  def test_opposite_components_are_joined_by_a_positive_weight(self):
    features = np.array([[1, 0], [2, 0], [-1, 0], [-2, 0]], np.float32)
    affinity = from_edges(4, [(0, 1, 1.0), (2, 3, 1.0)])
    joined = graph.connect_components(affinity, features)
    weights = np.unique(dense(joined.affinity))
    np.testing.assert_allclose(weights, [0, graph.MIN_WEIGHT, 1])

  def test_refuses_features_of_other_points(self):
    affinity = from_edges(4, [(0, 1, 1.0)])
    with pytest.raises(ValueError, match=r"5 features.*4 points"):
      graph.connect_components(affinity, normal_features(5))

  def test_memory_is_that_of_rows(self):
    num_points, block_size = 4096, 64
    rows = jax.ShapeDtypeStruct((block_size, 8), jnp.float32)
    points = jax.ShapeDtypeStruct((num_points, 8), jnp.float32)
    program = components._best_outside.lower(
      rows,
      points,
      jax.ShapeDtypeStruct((block_size,), jnp.int32),
      jax.ShapeDtypeStruct((num_points,), jnp.int32),
    )
    memory = program.compile().memory_analysis()
    assert memory.temp_size_in_bytes < 4 * 4 * block_size * num_points
