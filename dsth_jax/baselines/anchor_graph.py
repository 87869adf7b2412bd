"""The graph in which points are linked through shared anchors.

    A = Z Lambda^-1 Z^T,   Lambda = diag(Z^T 1)

Z holds the affinities of points to anchors. A is doubly stochastic, and never
formed: what is needed of it goes through Z and an m x m matrix.
"""

import numpy as np
import scipy.linalg
import scipy.sparse
from jaxtyping import Float

from dsth_jax.baselines import anchors

# Eigenvectors of smaller eigenvalues are round-off.
_SMALLEST = 1e-9


def to_scipy(
  affinities: anchors.Affinities, num_anchors: int
) -> scipy.sparse.csr_matrix:
  """Returns Z as SciPy's matrix, in float64."""
  num_points, num_nearest = affinities.indices.shape
  rows = np.repeat(np.arange(num_points), num_nearest)
  columns = np.asarray(affinities.indices).ravel()
  weights = np.asarray(affinities.weights, np.float64).ravel()
  return scipy.sparse.csr_matrix(
    (weights, (rows, columns)), shape=(num_points, num_anchors)
  )


def eigenvectors(
  affinities: scipy.sparse.csr_matrix, num_vectors: int
) -> Float[np.ndarray, "m v"]:
  """Returns W: Y = Z W are the leading eigenvectors, each of length sqrt(n).

      W = sqrt(n) Lambda^-1/2 V Sigma^-1/2

  of the small matrix Lambda^-1/2 Z^T Z Lambda^-1/2 = V Sigma V^T. Those of
  eigenvalue 1, which only tell components apart, are left out.

  Raises:
    ValueError: there are fewer with an eigenvalue between 0 and 1.
  """
  volumes = _volumes(affinities)
  shared = affinities.T @ affinities
  num_null, _ = scipy.sparse.csgraph.connected_components(shared)
  reduced = shared.toarray() / np.sqrt(np.outer(volumes, volumes))
  values, vectors = scipy.linalg.eigh(reduced)
  usable = np.flatnonzero(values > _SMALLEST)[::-1][num_null:]
  if len(usable) < num_vectors:
    raise ValueError(
      f"agh needs {num_vectors} eigenvectors, but its graph of "
      f"{len(volumes)} anchors in {num_null} components has {len(usable)}: "
      "pass fewer bits, more num_anchors or a larger num_nearest."
    )
  kept = usable[:num_vectors]
  lengths = np.sqrt(affinities.shape[0] / values[kept])[None, :]
  return lengths * vectors[:, kept] / np.sqrt(volumes)[:, None]


def second_thresholds(
  affinities: scipy.sparse.csr_matrix, projection: Float[np.ndarray, "m v"]
) -> tuple[Float[np.ndarray, "v"], Float[np.ndarray, "v"]]:
  """Cuts the upper and the lower side of every eigenvector once more.

  On y >= 0 the second cut is f = y - upper, on y < 0 it is f = lower - y. Of
  all thresholds that balance it, f^T 1 = 0, these have the smallest energy
  f^T (I - A) f: the one stationary point along the line of balanced ones.

  Returns:
    The upper and the lower thresholds.
  """
  values = affinities @ projection
  above = values >= 0
  sizes = np.sum(above, axis=0), np.sum(~above, axis=0)
  center = np.mean(np.abs(values), axis=0)
  # Both are balanced: the cut at the mean, and what may be added to it.
  cut = np.abs(values) - center
  step = np.where(above, 1 / sizes[0], -1 / sizes[1])
  along = _energy(affinities, step, cut) / _energy(affinities, step, step)
  return center + along / sizes[0], along / sizes[1] - center


def _energy(
  affinities: scipy.sparse.csr_matrix,
  first: Float[np.ndarray, "n v"],
  second: Float[np.ndarray, "n v"],
) -> Float[np.ndarray, "v"]:
  """Returns f^T (I - A) g of every column."""
  summed = (affinities.T @ first) * (affinities.T @ second)
  within = np.sum(summed / _volumes(affinities)[:, None], axis=0)
  return np.sum(first * second, axis=0) - within


def _volumes(affinities: scipy.sparse.csr_matrix) -> Float[np.ndarray, "m"]:
  """Returns the diagonal of Lambda."""
  volumes = np.asarray(affinities.sum(axis=0)).ravel()
  # An anchor that is near to none has a row and a column of zeros.
  return np.where(volumes > 0, volumes, 1.0)
