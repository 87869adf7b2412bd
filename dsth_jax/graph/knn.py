"""The exact nearest neighbours of every point by cosine."""

import functools
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Int32, Real

from dsth_jax.types import ArrayLike


class Neighbors(NamedTuple):
  """The nearest neighbours of every point.

  Attributes:
    indices: nearest first, equally near ones by index; never the point itself.
    similarities: cosines, descending.
  """

  indices: Int32[Array, "n k"]
  similarities: Float[Array, "n k"]


def cosine_knn(
  features: Real[ArrayLike, "n d"],
  *,
  num_neighbors: int,
  block_size: int = 4096,
  progress: Callable[[int], None] | None = None,
) -> Neighbors:
  """Finds the exact k nearest neighbours of every point by cosine.

      s_ij = x_i^T x_j / (||x_i|| ||x_j||),   N_k(x_i) = top-k of s_ij, j != i

  Works in square tiles of similarities. The matrix is symmetric, so that a
  tile above the diagonal serves its rows and its columns, and half of the
  products are spared. Memory: the features in float32, and a few tiles.

  Args:
    features: one row a point, of any float type; a memory map will do. Other
      points equal to a point are its neighbours. A row of zeros has no
      direction: its cosines count as 0, and `affinity` leaves it isolated.
    num_neighbors: k.
    block_size: the side of a tile.
    progress: called after each tile with the number of rows done; the last
      call says n.

  Returns:
    `Neighbors(indices[n k], similarities[n k])`.

  Raises:
    ValueError: `features` is not a finite matrix of more than k rows.

  References:
    Eq. 1, N_k.
  """
  features = features if hasattr(features, "dtype") else np.asarray(features)
  _check_knn(features, num_neighbors, block_size)
  num_points = features.shape[0]
  side, chunk = _tile_sides(num_points, num_neighbors, block_size)
  blocks = [
    jnp.asarray(unit_rows(features, start, side))
    for start in range(0, num_points, side)
  ]
  best = [_no_neighbors(side, num_neighbors) for _ in blocks]
  # In this order every block of rows meets its columns from left to right:
  # an earlier neighbour wins a tie, and so does the lower index.
  pairs = list(itertools.combinations_with_replacement(range(len(blocks)), 2))
  for done, (row, column) in enumerate(pairs, start=1):
    starts = (row * side, column * side)
    tile = _similarities(blocks[row], blocks[column], *starts, num_points)
    best[row] = _merge(best[row], tile, starts[1], chunk=chunk, axis=1)
    if row != column:
      best[column] = _merge(best[column], tile, starts[0], chunk=chunk, axis=0)
    jax.block_until_ready(best[column])  # Else all tiles queue up in memory.
    if progress:
      progress(num_points * done // len(pairs))
  return Neighbors(
    *(jnp.concatenate(parts)[:num_points] for parts in zip(*best))
  )


def unit_rows(features: ArrayLike, start: int, size: int) -> np.ndarray:
  """Returns `size` rows from `start`, of length 1; zeros past the end."""
  rows = np.asarray(features[start : start + size])
  rows = rows.astype(np.promote_types(rows.dtype, np.float32))
  # Dividing by the peak first keeps the squares inside the range of floats.
  peaks = np.max(np.abs(rows), axis=1, keepdims=True, initial=0.0)
  if not np.all(np.isfinite(peaks)):
    row = start + int(np.flatnonzero(~np.isfinite(peaks[:, 0]))[0])
    raise ValueError(
      f"features have a NaN or infinite value in row {row}: remove that point "
      "or repair what made it."
    )
  rows = (rows / np.where(peaks == 0, 1, peaks)).astype(np.float32)
  norms = np.linalg.norm(rows, axis=1, keepdims=True)
  rows = rows / np.where(norms == 0, 1, norms)
  return np.pad(rows, ((0, size - rows.shape[0]), (0, 0)))


def _check_knn(
  features: ArrayLike, num_neighbors: int, block_size: int
) -> None:
  if features.ndim != 2:
    raise ValueError(
      f"features have shape {features.shape}: pass a matrix with one row a "
      "point."
    )
  if num_neighbors < 1:
    raise ValueError(
      f"num_neighbors is {num_neighbors}: ask for at least 1 neighbour."
    )
  if features.shape[0] < num_neighbors + 1:
    raise ValueError(
      f"{features.shape[0]} points, need at least {num_neighbors + 1} for "
      f"{num_neighbors} neighbours each: add points or lower num_neighbors."
    )
  if block_size < 1:
    raise ValueError(f"block_size is {block_size}: pass at least 1.")


class _Tiling(NamedTuple):
  """The side of a tile, and of the chunks into which its rows are cut."""

  side: int
  chunk: int


def _tile_sides(
  num_points: int, num_neighbors: int, block_size: int
) -> _Tiling:
  """Returns equal tiles near `block_size`, a whole number of chunks wide."""
  side = math.ceil(num_points / math.ceil(num_points / block_size))
  # `_top_k` looks at side / chunk maxima, then at num_neighbors * chunk values.
  chunk = max(1, math.isqrt(side // num_neighbors))
  return _Tiling(math.ceil(side / chunk) * chunk, chunk)


def _no_neighbors(num_rows: int, num_neighbors: int) -> tuple[Array, Array]:
  shape = (num_rows, num_neighbors)
  # Without its type -inf would be weakly typed, and `_merge` compiled twice.
  return jnp.zeros(shape, jnp.int32), jnp.full(shape, -jnp.inf, jnp.float32)


@jax.jit
def _similarities(
  rows: Float[Array, "t d"],
  columns: Float[Array, "t d"],
  row_start: Int[Array, ""],
  column_start: Int[Array, ""],
  num_points: Int[Array, ""],
) -> Float[Array, "t t"]:
  """Returns a tile of cosines; -inf on the diagonal and in the padding."""
  tile = jnp.matmul(rows, columns.T, precision=jax.lax.Precision.HIGHEST)
  index = jnp.arange(rows.shape[0])
  row, column = (row_start + index)[:, None], (column_start + index)[None, :]
  valid = (row != column) & (row < num_points) & (column < num_points)
  return jnp.where(valid, tile, -jnp.inf)


@functools.partial(jax.jit, static_argnames=("chunk", "axis"))
def _merge(
  best: tuple[Int32[Array, "t k"], Float[Array, "t k"]],
  tile: Float[Array, "t t"],
  start: Int[Array, ""],
  *,
  chunk: int,
  axis: int,
) -> tuple[Int32[Array, "t k"], Float[Array, "t k"]]:
  """Keeps the k best of those known and of the points from `start` on.

  Those are the tile's columns (axis 1, for its rows) or its rows (axis 0, for
  its columns).
  """
  num_neighbors = best[0].shape[1]
  num_results = min(num_neighbors, tile.shape[1])
  places, values = _top_k(tile, num_results, chunk, axis)
  indices = jnp.concatenate([best[0], start + places], axis=1)
  values = jnp.concatenate([best[1], values], axis=1)
  values, kept = jax.lax.top_k(values, num_neighbors)
  return jnp.take_along_axis(indices, kept, axis=1), values


def _top_k(
  tile: Float[Array, "t t"], num_results: int, chunk: int, axis: int
) -> tuple[Int32[Array, "t k"], Float[Array, "t k"]]:
  """Returns the places and values of the largest along an axis, as `top_k`.

  The k largest lie in the k chunks of largest maximum: an element outside them
  has k before it. This holds for ties by lower index too, because chunks are
  contiguous, and because the chosen ones are searched in their order.
  """
  side = tile.shape[0]
  num_chunks = side // chunk
  if num_chunks <= num_results:
    lines = tile if axis == 1 else tile.T
    values, places = jax.lax.top_k(lines, num_results)
    return places, values
  # Reading a tile down its columns is as fast as along its rows, transposing
  # it first three times slower.
  if axis == 1:
    chunks = tile.reshape(side, num_chunks, chunk)
    chosen = _chunks_of_largest(jnp.max(chunks, axis=2), num_results)
    candidates = jnp.take_along_axis(chunks, chosen[:, :, None], axis=1)
  else:
    chunks = tile.reshape(num_chunks, chunk, side)
    chosen = _chunks_of_largest(jnp.max(chunks, axis=1).T, num_results)
    candidates = jnp.take_along_axis(chunks, chosen.T[:, None, :], axis=0)
    candidates = candidates.transpose(2, 0, 1)
  values, place = jax.lax.top_k(candidates.reshape(side, -1), num_results)
  first = jnp.take_along_axis(chosen, place // chunk, axis=1) * chunk
  return first + place % chunk, values


def _chunks_of_largest(
  maxima: Float[Array, "t chunks"], num_results: int
) -> Int[Array, "t k"]:
  return jnp.sort(jax.lax.top_k(maxima, num_results)[1], axis=1)
