"""Nearest neighbours tile by tile, on a CPU.

The products are those of NumPy's BLAS, a quarter faster than XLA's. Once a
point has k neighbours, few others are nearer than its last one: a comparison
finds them, and a tile is searched whole only where they are many.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Float32, Int, Int32

from dsth_jax.graph import device_tiles

# The usual side of a tile, which stays in the cache.
BLOCK_SIZE = 2048
# Lines of a tile compared at a time.
_SLAB = 64
# A tile is searched whole if more points a line than these are candidates.
_MOST_CANDIDATES = 32


class Tiles:
  """The best neighbours so far of all points, in blocks of rows."""

  def __init__(
    self,
    blocks: list[np.ndarray],
    *,
    num_points: int,
    num_neighbors: int,
    chunk: int,
  ):
    self._side = len(blocks[0])
    self._blocks = blocks
    self._num_points, self._chunk = num_points, chunk
    self._tile = np.empty((self._side, self._side), np.float32)
    self._best = [_Best(self._side, num_neighbors, self._chunk) for _ in blocks]

  def visit(self, row: int, column: int) -> None:
    """Takes a tile on or above the diagonal into account, for both sides."""
    starts = (row * self._side, column * self._side)
    tile = np.matmul(self._blocks[row], self._blocks[column].T, out=self._tile)
    tile[:, max(self._num_points - starts[1], 0) :] = -np.inf
    if row == column:
      np.fill_diagonal(tile, -np.inf)
      self._best[row].add_tile(tile, starts[1], axis=1)
      return
    best = self._best[row], self._best[column]
    lines, columns = _candidates(tile, best[0].limits(), best[1].limits())
    if len(lines) > _MOST_CANDIDATES * self._side:
      best[0].add_tile(tile, starts[1], axis=1)
      best[1].add_tile(tile, starts[0], axis=0)
    else:
      values = tile[lines, columns]
      best[0].add(lines, starts[1] + columns, values)
      best[1].add(columns, starts[0] + lines, values)

  def neighbors(self) -> tuple[Int32[Array, "n k"], Float[Array, "n k"]]:
    """Returns indices and similarities."""
    indices = np.concatenate([best.indices for best in self._best])
    values = np.concatenate([best.values for best in self._best])
    return (
      jnp.asarray(indices[: self._num_points]),
      jnp.asarray(values[: self._num_points]),
    )


class _Best:
  """The k best of what the points of a block have met, best first."""

  def __init__(self, side: int, num_neighbors: int, chunk: int):
    parts = device_tiles.no_neighbors(side, num_neighbors)
    self.indices, self.values = map(np.array, parts)
    self._chunk = chunk

  def limits(self) -> Float32[np.ndarray, "t"]:
    """What a point's similarity must exceed to be among the k best."""
    return self.values[:, -1]

  def add_tile(
    self, tile: Float32[np.ndarray, "t t"], start: int, *, axis: int
  ) -> None:
    """Adds all points of a tile, which is searched whole."""
    parts = device_tiles.merge(
      (self.indices, self.values), tile, start, chunk=self._chunk, axis=axis
    )
    self.indices, self.values = map(np.array, parts)

  def add(
    self,
    lines: Int[np.ndarray, "c"],
    indices: Int[np.ndarray, "c"],
    values: Float32[np.ndarray, "c"],
  ) -> None:
    """Adds candidates: those of a line in ascending order of their index."""
    near = values > self.limits()[lines]
    order = np.flatnonzero(near)
    order = order[np.argsort(lines[order], kind="stable")]
    lines, indices, values = lines[order], indices[order], values[order]
    counts = np.bincount(lines, minlength=len(self.values))
    touched = np.flatnonzero(counts)
    counts = counts[touched]
    # One row a touched line: its k best, then its candidates, then padding.
    row = np.repeat(np.arange(len(touched)), counts)
    num_neighbors = self.values.shape[1]
    place = num_neighbors + np.arange(len(lines))
    place -= np.repeat(np.cumsum(counts) - counts, counts)
    width = num_neighbors + counts.max(initial=0)
    all_values = np.full((len(touched), width), -np.inf, np.float32)
    all_indices = np.zeros(all_values.shape, np.int32)
    all_values[:, :num_neighbors] = self.values[touched]
    all_indices[:, :num_neighbors] = self.indices[touched]
    all_values[row, place], all_indices[row, place] = values, indices
    # Stable: an earlier neighbour wins a tie.
    kept = np.argsort(-all_values, axis=1, kind="stable")[:, :num_neighbors]
    self.values[touched] = np.take_along_axis(all_values, kept, 1)
    self.indices[touched] = np.take_along_axis(all_indices, kept, 1)


def _candidates(
  tile: Float32[np.ndarray, "t t"],
  of_lines: Float32[np.ndarray, "t"],
  of_columns: Float32[np.ndarray, "t"],
) -> tuple[Int[np.ndarray, "c"], Int[np.ndarray, "c"]]:
  """Finds what exceeds the limit of its line or of its column."""
  found = []
  for first in range(0, len(tile), _SLAB):
    slab = slice(first, first + _SLAB)
    limits = np.minimum(of_lines[slab, None], of_columns[None, :])
    found.append(first * len(tile) + np.flatnonzero(tile[slab] > limits))
  return np.divmod(np.concatenate(found), len(tile))
