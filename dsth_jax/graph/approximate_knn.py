"""Most of the nearest neighbors, where all of them cost too much."""

import importlib
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Key, Real

from dsth_jax.graph import knn
from dsth_jax.types import ArrayLike

# The search keeps this multiple of k neighbors: with k it found 0.90 of the
# true ones among 100,000 points, with 2 k 0.98.
_KEPT_FACTOR = 2
# Points processed at a time, and columns that they are compared with.
_BLOCK, _COLUMNS = 256, 65_536


def approximate_cosine_knn(
  features: Real[ArrayLike, "n d"],
  *,
  num_neighbors: int,
  key: Key[jax.Array, ""],
) -> knn.Neighbors:
  """Returns most of the k nearest neighbors of every point by cosine.

  Compares each point with the neighbors of its neighbors until none of them
  is new, with the library pynndescent, on the CPU. Time grows a little faster
  than n, that of `cosine_knn` with n^2; `recall` measures the share of the
  neighbors found. Memory: the features in float32, and 10 k numbers per point.

  Args:
    features: as in `cosine_knn`.
    num_neighbors: k.
    key: draws the start of the search.

  Returns:
    `Neighbors(indices[n k], similarities[n k])`, as `cosine_knn` does, with
    the exact similarities of these points.

  Raises:
    ValueError: `features` is not a finite matrix of more than k rows.
    ImportError: pynndescent is not installed.

  References:
    Dong, Moses and Li, Efficient k-nearest neighbor graph construction for
    generic similarity measures, WWW 2011.
  """
  features = features if hasattr(features, "dtype") else np.asarray(features)
  knn.check(features, num_neighbors)
  search = library().NNDescent
  points = knn.unit_rows(features, 0, features.shape[0])
  # The library counts a point among its neighbors.
  num_kept = min(_KEPT_FACTOR * num_neighbors, len(points) - 1) + 1
  seed = int(jax.random.randint(key, (), 0, 2**31 - 1))
  found, _ = search(
    points, metric="dot", n_neighbors=num_kept, random_state=seed, n_jobs=-1
  ).neighbor_graph
  starts = range(0, len(points), _BLOCK)
  blocks = [
    _rank_block(points, found, start, num_neighbors) for start in starts
  ]
  indices, similarities = map(np.concatenate, zip(*blocks))
  return knn.Neighbors(jnp.asarray(indices), jnp.asarray(similarities))


def recall(
  features: Real[ArrayLike, "n d"],
  neighbors: knn.Neighbors,
  *,
  num_queries: int = 1000,
  key: Key[jax.Array, ""],
) -> float:
  """Returns the share of true neighbors among the neighbors found.

  A neighbor as similar as the k-th true one counts as true, up to rounding.

  Args:
    features: of all points.
    neighbors: of all points.
    num_queries: size of the random sample of points that is checked.
    key: draws the sample.
  """
  num_points, num_neighbors = neighbors.indices.shape
  points = knn.unit_rows(features, 0, num_points)
  count = min(num_queries, num_points)
  rows = np.asarray(jax.random.choice(key, num_points, (count,), replace=False))
  starts = range(0, count, _BLOCK)
  exact = np.concatenate(
    [_exact(points, rows[i : i + _BLOCK], num_neighbors)[1] for i in starts]
  )
  found = np.asarray(neighbors.similarities)[rows]
  return float(np.mean(found >= exact[:, -1:] - 1e-6))


def library() -> ModuleType:
  """Returns pynndescent. Its import takes seconds, and it is an extra."""
  try:
    return importlib.import_module("pynndescent")
  except ImportError as error:
    raise ImportError(
      "The approximate graph needs pynndescent, which is not installed: "
      'pip install "dsth_jax[approximate]", or search exactly.'
    ) from error


def _rank_block(
  points: Float[np.ndarray, "n d"],
  found: Int[np.ndarray, "n c"],
  start: int,
  num_neighbors: int,
) -> tuple[Int[np.ndarray, "m k"], Float[np.ndarray, "m k"]]:
  """Returns the top k of those found for the points from `start` on."""
  candidates = found[start : start + _BLOCK]
  rows = np.arange(start, start + len(candidates))
  similarities = np.einsum("md,mcd->mc", points[rows], points[candidates])
  # The library returns -1 where it found too few.
  missing = (candidates < 0) | (candidates == rows[:, None])
  similarities = np.where(missing, -np.inf, similarities)
  indices, similarities = _topk(candidates, similarities, num_neighbors)
  incomplete = np.flatnonzero(np.isneginf(similarities[:, -1]))
  if len(incomplete):
    exact = _exact(points, rows[incomplete], num_neighbors)
    indices[incomplete], similarities[incomplete] = exact
  return indices, similarities


def _exact(
  points: Float[np.ndarray, "n d"],
  rows: Int[np.ndarray, "m"],
  num_neighbors: int,
) -> tuple[Int[np.ndarray, "m k"], Float[np.ndarray, "m k"]]:
  """Returns the true neighbors of some points."""
  indices = np.zeros((len(rows), 0), np.int32)
  similarities = np.zeros((len(rows), 0), np.float32)
  for start in range(0, len(points), _COLUMNS):
    others = points[start : start + _COLUMNS]
    columns = np.arange(start, start + len(others), dtype=np.int32)
    tile = points[rows] @ others.T
    tile[columns == rows[:, None]] = -np.inf
    num_kept = min(num_neighbors, len(columns))
    places = np.argpartition(-tile, num_kept - 1, axis=1)[:, :num_kept]
    kept = np.take_along_axis(tile, places, axis=1)
    indices, similarities = _topk(
      np.concatenate([indices, columns[places]], axis=1),
      np.concatenate([similarities, kept], axis=1),
      num_neighbors,
    )
  return indices, similarities


def _topk(
  indices: Int[np.ndarray, "m c"],
  similarities: Float[np.ndarray, "m c"],
  num_neighbors: int,
) -> tuple[Int[np.ndarray, "m k"], Float[np.ndarray, "m k"]]:
  """Returns the top k by similarity, ties by lower index."""
  order = np.lexsort((indices, -similarities), axis=1)[:, :num_neighbors]
  return (
    np.take_along_axis(indices, order, axis=1).astype(np.int32),
    np.take_along_axis(similarities, order, axis=1).astype(np.float32),
  )
