"""Graphs of known spectrum, and the laws of an embedding."""

import functools

import jax
import numpy as np
import scipy.linalg
import scipy.sparse

from dsth_jax import graph, spectral

# Where the residual of the symmetric problem is r, an eigenvalue is off by at
# most r: LOBPCG stops at 1e-4. The direct solution is right to a few float32
# roundings of numbers up to 4.
ITERATIVE = 1e-4
DIRECT = 5e-6


def solve(affinity, num_components, **options):
  options.setdefault("key", jax.random.key(0))
  options.setdefault("solver", "lobpcg")
  return spectral.laplacian_eigenmaps(
    affinity, num_components=num_components, **options
  )


def ring(num_points):
  shift = scipy.sparse.eye(num_points, format="csr")
  shift = shift[np.roll(np.arange(num_points), 1)]
  return (shift + shift.T).tocsr()


def path(num_points):
  return scipy.sparse.diags(
    [1.0, 1.0], [-1, 1], shape=(num_points, num_points), format="csr"
  )


def torus(length, width):
  sides = scipy.sparse.eye(length), scipy.sparse.eye(width)
  return (
    scipy.sparse.kron(ring(length), sides[1])
    + scipy.sparse.kron(sides[0], ring(width))
  ).tocsr()


def cliques(num_cliques, size):
  clique = np.ones((size, size)) - np.eye(size)
  return scipy.sparse.block_diag([clique] * num_cliques, format="csr")


@functools.cache
def features_graph(num_points, num_clusters, seed=0, num_neighbors=8):
  """A neighbor graph of clustered features, similar to real ones."""
  rng = np.random.default_rng(seed)
  centers = rng.normal(size=(num_clusters, 10))
  features = np.repeat(centers, num_points // num_clusters, axis=0)
  features = features + 0.7 * rng.normal(size=features.shape)
  return graph.affinity(graph.cosine_knn(features, num_neighbors=num_neighbors))


def reference(affinity):
  """Returns all eigenvalues and vectors of L v = lambda D v in float64."""
  weights = graph.to_scipy(affinity).toarray().astype(np.float64)
  degrees = np.diag(weights.sum(axis=1))
  return scipy.linalg.eigh(degrees - weights, degrees)


def largest_angle(affinity, left, right):
  """Returns the largest principal angle in the inner product of D."""
  roots = np.sqrt(np.asarray(graph.degrees(affinity), np.float64))[:, None]
  pair = (np.asarray(side, np.float64) * roots for side in (left, right))
  return np.max(scipy.linalg.subspace_angles(*pair))


def assert_is_solution(affinity, embedding, atol):
  """Asserts what defines an embedding, in float64."""
  weights = graph.to_scipy(affinity).astype(np.float64)
  degrees = np.asarray(weights.sum(axis=1))
  vectors = np.asarray(embedding.vectors, np.float64)
  values = np.asarray(embedding.eigenvalues, np.float64)
  gram = vectors.T @ (degrees * vectors)
  np.testing.assert_allclose(gram, np.eye(len(values)), atol=atol)
  # Orthogonal to the constant vector, the one of eigenvalue zero.
  means = (degrees.T @ vectors)[0] / np.sqrt(degrees.sum())
  np.testing.assert_allclose(means, 0, atol=atol)
  residuals = degrees * vectors - weights @ vectors
  residuals = residuals - values * degrees * vectors
  residuals = np.linalg.norm(residuals, axis=0)
  # Rounding in float32 moves a residual by some 1e-7 of sqrt(degree).
  np.testing.assert_allclose(embedding.residuals, residuals, atol=5e-6)
  assert np.max(residuals) < atol * np.sqrt(np.max(degrees))
  assert np.all(np.diff(values) >= 0)
  assert np.all((values > 0) & (values < 2 + DIRECT))
