"""Points and graphs, and their neighbors by brute force."""

import numpy as np
import scipy.sparse

from dsth_jax import graph

# Float32 cosines of some tens of terms are accurate to about 1e-7.
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


def clustered_features(num_points, num_features, num_clusters=20):
  """Points around random centers."""
  rng = np.random.default_rng(0)
  centers = 2 * rng.normal(size=(num_clusters, num_features))
  points = centers[rng.integers(0, num_clusters, num_points)]
  return (points + rng.normal(size=points.shape)).astype(np.float32)


def points_on_a_ring(num_points):
  """Points in random order; the neighbors of each are next on the ring."""
  rng = np.random.default_rng(0)
  angle = rng.permutation(np.arange(num_points)) * 2 * np.pi / num_points
  points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
  return (points + 0.001 * rng.standard_normal(points.shape)).astype(np.float32)


def unit_rows(points):
  """Rows of unit length in float64; zeros stay zeros."""
  points = np.asarray(points, np.float64)
  norms = np.linalg.norm(points, axis=1, keepdims=True)
  return points / np.where(norms == 0, 1, norms)


def cosines(features):
  unit = unit_rows(features)
  return unit @ unit.T


def brute_force(features, num_neighbors):
  """Indices and similarities of the neighbors, ties by lower index."""
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
