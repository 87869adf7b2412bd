"""Tiles of similarities: how they are cut, and the search of one by JAX."""

import functools
import math
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int, Int32


class Tiling(NamedTuple):
  """How the similarities of all points are cut.

  Attributes:
    num_points: n; the last block of rows is padded.
    num_neighbors: k.
    side: of a tile.
    chunk: size of the parts in which the rows of a tile are searched.
  """

  num_points: int
  num_neighbors: int
  side: int
  chunk: int


class TileSearch(Protocol):
  """The top k of all points over the tiles visited so far.

  Made from the points in blocks of rows and their tiling. The tiles above the
  diagonal serve both sides. Visited in the order of their rows and then their
  columns, an earlier neighbor wins a tie, and so the lower index does.

  Attributes:
    block_size: the usual side of a tile.
  """

  block_size: int

  def visit(self, row: int, column: int) -> None:
    """Searches a tile on or above the diagonal, for its rows and columns."""
    ...

  def neighbors(self) -> tuple[Int32[Array, "n k"], Float[Array, "n k"]]:
    """Returns indices and similarities."""
    ...


def tiling(num_points: int, num_neighbors: int, block_size: int) -> Tiling:
  """Returns equal tiles of about `block_size`, a multiple of the chunk."""
  side = math.ceil(num_points / math.ceil(num_points / block_size))
  # `_top_k` reads side / chunk maxima, then num_neighbors * chunk values.
  chunk = max(1, math.isqrt(side // num_neighbors))
  side = math.ceil(side / chunk) * chunk
  return Tiling(num_points, num_neighbors, side, chunk)


def no_neighbors(
  num_points: int, num_neighbors: int
) -> tuple[Int32[Array, "t k"], Float[Array, "t k"]]:
  """Returns the state before any tile: similarities of -inf."""
  shape = (num_points, num_neighbors)
  # Without its dtype -inf would be weakly typed, and `merge` compiled twice.
  return jnp.zeros(shape, jnp.int32), jnp.full(shape, -jnp.inf, jnp.float32)


@jax.jit
def similarities(
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
def merge(
  found: tuple[Int32[Array, "t k"], Float[Array, "t k"]],
  tile: Float[Array, "t t"],
  start: Int[Array, ""],
  *,
  chunk: int,
  axis: int,
) -> tuple[Int32[Array, "t k"], Float[Array, "t k"]]:
  """Returns the top k of those found and of the points from `start` on.

  Those are the tile's columns (axis 1, for its rows) or its rows (axis 0, for
  its columns).
  """
  num_neighbors = found[0].shape[1]
  num_results = min(num_neighbors, tile.shape[1])
  places, values = _top_k(tile, num_results, chunk, axis)
  indices = jnp.concatenate([found[0], start + places], axis=1)
  values = jnp.concatenate([found[1], values], axis=1)
  values, kept = jax.lax.top_k(values, num_neighbors)
  return jnp.take_along_axis(indices, kept, axis=1), values


def _top_k(
  tile: Float[Array, "t t"], num_results: int, chunk: int, axis: int
) -> tuple[Int32[Array, "t k"], Float[Array, "t k"]]:
  """Returns the places and values of the largest along an axis, as `top_k`.

  The k largest are in the k chunks of largest maximum: an element outside them
  has k before it. This holds for ties by lower index too, because chunks are
  contiguous and the chosen ones are searched in their order.
  """
  side = tile.shape[0]
  num_chunks = side // chunk
  if num_chunks <= num_results:
    rows = tile if axis == 1 else tile.T
    values, places = jax.lax.top_k(rows, num_results)
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
