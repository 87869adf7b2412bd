"""The approximate neighbor graph against the exact one."""

import importlib

import jax
import numpy as np
import pytest

from dsth_jax import graph

pytest.importorskip("pynndescent")


def _clustered(num_points, num_features=16):
  rng = np.random.default_rng(0)
  centers = 2 * rng.normal(size=(20, num_features))
  points = centers[rng.integers(0, 20, num_points)]
  return (points + rng.normal(size=points.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def both():
  features = _clustered(3000)
  found = graph.approximate_cosine_knn(
    features, num_neighbors=7, key=jax.random.key(0)
  )
  return features, found, graph.cosine_knn(features, num_neighbors=7)


def test_most_neighbors_are_found(both):
  _, found, exact = both
  pairs = zip(np.asarray(found.indices), np.asarray(exact.indices))
  shares = [len(np.intersect1d(*rows)) / 7 for rows in pairs]
  assert np.mean(shares) > 0.95


def test_recall_is_the_share_that_the_exact_graph_counts(both, key):
  features, found, exact = both
  pairs = zip(np.asarray(found.indices), np.asarray(exact.indices))
  shares = [len(np.intersect1d(*rows)) / 7 for rows in pairs]
  measured = graph.recall(features, found, num_queries=3000, key=key)
  # Features in general position: no two neighbors are equally near.
  assert measured == pytest.approx(np.mean(shares), abs=1e-6)
  assert graph.recall(features, exact, key=key) == 1


def test_similarities_are_those_of_the_points_named_and_fall(both):
  features, found, _ = both
  unit = features / np.linalg.norm(features, axis=1, keepdims=True)
  indices = np.asarray(found.indices)
  expected = np.einsum("nd,nkd->nk", unit, unit[indices])
  np.testing.assert_allclose(found.similarities, expected, atol=1e-6)
  assert (np.diff(np.asarray(found.similarities), axis=1) <= 0).all()
  assert (indices != np.arange(len(features))[:, None]).all()


def test_no_point_has_a_neighbor_twice(both):
  indices = np.sort(np.asarray(both[1].indices), axis=1)
  assert (np.diff(indices, axis=1) > 0).all()


@pytest.mark.parametrize(
  "features",
  [
    _clustered(20),
    np.repeat(_clustered(40), 30, axis=0),
    np.concatenate([_clustered(200), np.zeros((50, 16), np.float32)]),
  ],
  ids=["as many neighbors as points", "duplicates", "zeros"],
)
def test_every_point_has_all_its_neighbors(features, key):
  found = graph.approximate_cosine_knn(features, num_neighbors=19, key=key)
  indices = np.sort(np.asarray(found.indices), axis=1)
  assert (np.diff(indices, axis=1) > 0).all()
  assert np.isfinite(found.similarities).all()
  assert ((indices >= 0) & (indices < len(features))).all()
  assert (indices != np.arange(len(features))[:, None]).all()


def test_its_graph_is_an_affinity(both):
  _, found, _ = both
  matrix = graph.to_scipy(graph.affinity(found))
  assert abs(matrix - matrix.T).max() == 0
  assert matrix.diagonal().max() == 0


def test_bad_features_are_refused_as_by_the_exact_search(key):
  features = _clustered(30)
  features[4, 2] = np.nan
  with pytest.raises(ValueError, match="row 4"):
    graph.approximate_cosine_knn(features, num_neighbors=3, key=key)
  with pytest.raises(ValueError, match="30 points, need at least 31"):
    graph.approximate_cosine_knn(_clustered(30), num_neighbors=30, key=key)


def test_a_missing_library_is_named_with_its_extra(key, monkeypatch):
  def missing(name):
    raise ImportError(name)

  monkeypatch.setattr(importlib, "import_module", missing)
  with pytest.raises(ImportError, match=r"dsth_jax\[approximate\]"):
    graph.approximate_cosine_knn(_clustered(30), num_neighbors=3, key=key)
