"""Several devices return what one returns, with less memory for each."""

import functools

import jax
import numpy as np
import pytest
from support import lowered, neighbor_graphs

from dsth_jax import graph, hamming, metrics, spectral
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.hamming import sharded
from dsth_jax.metrics import evaluate_codes
from dsth_jax.runtime import sharding

pytestmark = pytest.mark.multidevice

SOME = (2, 8)


def mesh_of(num_devices):
  return sharding.make_mesh(jax.devices()[:num_devices])


@pytest.mark.parametrize("num_devices", SOME)
class TestGraph:
  @pytest.mark.parametrize("block_size", [None, 32])
  def test_equals_one_device(self, num_devices, block_size):
    # Four ones among eight: cosines are multiples of 1/4 however they are added
    # up, most are equal, and the index has to decide.
    rng = np.random.default_rng(0)
    features = rng.permuted(np.tile(np.arange(8) < 4, (501, 1)), axis=1)
    features = features.astype(np.float32)
    expected = graph.cosine_knn(features, num_neighbors=7)
    found = graph.cosine_knn(
      features,
      num_neighbors=7,
      block_size=block_size,
      mesh=mesh_of(num_devices),
    )
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(
      found.similarities, expected.similarities, atol=1e-6
    )

  def test_fewer_points_than_neighbors_per_device(self, num_devices):
    features = np.random.default_rng(1).standard_normal((17, 4))
    expected = graph.cosine_knn(features, num_neighbors=16)
    found = graph.cosine_knn(
      features, num_neighbors=16, mesh=mesh_of(num_devices)
    )
    np.testing.assert_array_equal(found.indices, expected.indices)

  def test_a_device_reads_its_rows_only(self, num_devices):
    features = np.random.default_rng(2).standard_normal((80, 4))
    largest = []

    class Watched(np.ndarray):
      def __getitem__(self, key):
        found = super().__getitem__(key)
        if isinstance(key, slice):
          largest.append(len(found))
        return found

    graph.cosine_knn(
      features.view(Watched), num_neighbors=3, mesh=mesh_of(num_devices)
    )
    assert max(largest) <= -(-80 // num_devices) + 16


@pytest.mark.parametrize("num_devices", SOME)
class TestSpectral:
  def solve(self, affinity, mesh, solver, key):
    return spectral.laplacian_eigenmaps(
      affinity, num_components=6, solver=solver, key=key, mesh=mesh
    )

  @pytest.mark.parametrize("solver", ["chebyshev", "lobpcg"])
  def test_equals_one_device(self, num_devices, solver, key):
    affinity = graph.affinity(
      graph.cosine_knn(neighbor_graphs.points_on_a_ring(403), num_neighbors=40)
    )
    expected = self.solve(affinity, None, solver, key)
    found = self.solve(affinity, mesh_of(num_devices), solver, key)
    assert spectral.is_converged(found)
    # On eight devices LOBPCG adds in another order and stops at another
    # iteration: in float32 that changes about 1e-6.
    np.testing.assert_allclose(
      found.eigenvalues,
      expected.eigenvalues,
      atol=1e-6 if solver == "chebyshev" else 3e-6,
    )
    # The eigenvalues of a ring come in pairs: the plane is what is defined.
    degrees = np.asarray(graph.degrees(affinity))[:, None]
    overlap = np.asarray(expected.vectors).T @ (degrees * found.vectors)
    np.testing.assert_allclose(
      np.linalg.svd(overlap, compute_uv=False), 1.0, atol=1e-4
    )

  def test_separate_components(self, num_devices, key):
    # Rows without neighbors on other devices, and several null vectors.
    rng = np.random.default_rng(3)
    centers = 10 * np.eye(4)[np.arange(500) % 4]
    affinity = graph.affinity(
      graph.cosine_knn(centers + rng.standard_normal((500, 4)), num_neighbors=8)
    )
    expected = self.solve(affinity, None, "chebyshev", key)
    found = self.solve(affinity, mesh_of(num_devices), "chebyshev", key)
    np.testing.assert_allclose(
      found.eigenvalues, expected.eigenvalues, atol=1e-6
    )


@pytest.mark.parametrize("num_devices", SOME)
class TestSearch:
  @pytest.mark.parametrize(("size", "num_results"), [(1000, 20), (9, 9)])
  def test_equals_one_device(self, num_devices, size, num_results, monkeypatch):
    monkeypatch.setattr(sharded, "TILE_DATABASE", 100)
    rng = np.random.default_rng(0)
    # A byte a code: most distances are equal.
    database = rng.integers(0, 256, (size, 1), dtype=np.uint8)
    queries = rng.integers(0, 256, (300, 1), dtype=np.uint8)
    expected = hamming.search(queries, database, num_results=num_results)
    found = hamming.search(
      queries, database, num_results=num_results, mesh=mesh_of(num_devices)
    )
    np.testing.assert_array_equal(found.distances, expected.distances)
    np.testing.assert_array_equal(found.indices, expected.indices)


@pytest.mark.parametrize("num_devices", SOME)
class TestEvaluate:
  # Class numbers, and several labels an image.
  @pytest.mark.parametrize("num_classes", [None, 6])
  # Fewer rows than devices, and more than a tile.
  @pytest.mark.parametrize("size", [5, 1003])
  def test_equals_one_device(self, num_devices, size, num_classes, monkeypatch):
    monkeypatch.setattr(metrics.sharded, "TILE_DATABASE", 40)
    monkeypatch.setattr(evaluate_codes, "TILE_QUERIES", 7)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (size, 2), dtype=np.uint8)
    if num_classes is None:
      labels = rng.integers(0, 2, size)
    else:
      labels = rng.integers(0, 2, (size, num_classes))
    rows = np.arange(min(size, 30))
    for query_rows in (None, rows):
      truth = GroundTruth.from_labels(
        labels[rows], labels, query_rows=query_rows
      )
      evaluate = functools.partial(
        metrics.evaluate, codes[rows], codes, truth, num_bits=16
      )
      assert evaluate(mesh=mesh_of(num_devices)) == evaluate()

  def test_lists_equal_one_device(self, num_devices, monkeypatch):
    monkeypatch.setattr(metrics.sharded, "TILE_DATABASE", 40)
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 256, (300, 2), dtype=np.uint8)
    lists = [rng.permutation(300)[:12] for _ in range(9)]
    truth = GroundTruth.from_lists(
      [rows[:8] for rows in lists],
      num_database=300,
      ignored=[rows[8:] for rows in lists],
    )
    evaluate = functools.partial(
      metrics.evaluate, codes[:9], codes, truth, num_bits=16
    )
    assert evaluate(mesh=mesh_of(num_devices)) == evaluate()


@pytest.mark.parametrize(
  ("lower", "size"),
  [
    (lowered.lower_graph, 2**15),
    (lowered.lower_eigensolver, 2**13),
    (lowered.lower_search, 2**22),
    (lowered.lower_evaluation, 2**22),
  ],
  ids=["graph", "eigensolver", "search", "evaluation"],
)
def test_memory_of_a_device_falls_with_their_number(lower, size):
  one, two, eight = (
    lowered.device_bytes(lower(mesh_of(number), size)) for number in (1, 2, 8)
  )
  # The tiles do not shrink.
  assert two < 0.75 * one
  assert eight < 0.5 * two
