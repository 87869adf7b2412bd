"""Nearest neighbours tile by tile, on a CPU.

The products are those of NumPy's BLAS, faster than XLA's
(`python -m benchmarks.graph` prints both). Once a point has k neighbours, few
others are nearer than its last one: a comparison finds them, and a tile is
searched whole only where they are many.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Float32, Int, Int32

from dsth_jax.graph import whole_tile

# The usual side of a tile, which stays in the cache.
BLOCK_SIZE = 2048
# Lines of a tile compared at a time.
_SLAB = 64
# A tile is searched whole if more points a line than these are candidates.
_MOST_CANDIDATES = 32


class Tiles:
  """The best neighbours so far of all points, in blocks of rows."""

  def __init__(self, blocks: list[np.ndarray], tiling: whole_tile.Tiling):
    self._tiling = tiling
    self._blocks = blocks
    self._tile = np.empty((tiling.side, tiling.side), np.float32)
    self._best = [_Best(tiling) for _ in blocks]

  def visit(self, row: int, column: int) -> None:
    """Takes a tile on or above the diagonal into account, for both sides."""
    starts = (row * self._tiling.side, column * self._tiling.side)
    tile = np.matmul(self._blocks[row], self._blocks[column].T, out=self._tile)
    tile[:, max(self._tiling.num_points - starts[1], 0) :] = -np.inf
    if row == column:
      np.fill_diagonal(tile, -np.inf)
    self._best[row].meet(tile, starts[1], axis=1)
    if row != column:
      self._best[column].meet(tile, starts[0], axis=0)

  def neighbors(self) -> tuple[Int32[Array, "n k"], Float[Array, "n k"]]:
    """Returns indices and similarities."""
    rows = slice(0, self._tiling.num_points)
    indices = np.concatenate([best.indices for best in self._best])[rows]
    values = np.concatenate([best.values for best in self._best])[rows]
    return jnp.asarray(indices), jnp.asarray(values)


class _Best:
  """The k best of what the points of a block have met, best first."""

  def __init__(self, tiling: whole_tile.Tiling):
    self.indices, self.values = map(
      np.array, whole_tile.no_neighbors(tiling.side, tiling.num_neighbors)
    )
    self._chunk, self._is_new = tiling.chunk, True

  def meet(
    self, tile: Float32[np.ndarray, "t t"], start: int, *, axis: int
  ) -> None:
    """Takes points from `start` on into account, as `whole_tile.merge`."""
    limits = np.expand_dims(self.values[:, -1], axis)
    found = None if self._is_new else _places_above(tile, limits)
    self._is_new = False
    if found is None or len(found) > _MOST_CANDIDATES * len(tile):
      best = whole_tile.merge(
        (self.indices, self.values), tile, start, chunk=self._chunk, axis=axis
      )
      self.indices, self.values = map(np.array, best)
      return
    places = np.divmod(found, len(tile))
    lines, others = places if axis == 1 else places[::-1]
    order = np.argsort(lines, kind="stable")
    values = tile.ravel()[found[order]]
    self._add(lines[order], start + others[order], values)

  def _add(
    self,
    lines: Int[np.ndarray, "c"],
    indices: Int[np.ndarray, "c"],
    values: Float32[np.ndarray, "c"],
  ) -> None:
    """Adds candidates, ordered by line and then by index."""
    touched, counts = np.unique(lines, return_counts=True)
    best_values = _append(self.values[touched], values, counts, -np.inf)
    best_indices = _append(self.indices[touched], indices, counts, 0)
    # Stable: an earlier neighbour wins a tie.
    order = np.argsort(-best_values, axis=1, kind="stable")
    kept = order[:, : self.values.shape[1]]
    self.values[touched] = np.take_along_axis(best_values, kept, 1)
    self.indices[touched] = np.take_along_axis(best_indices, kept, 1)


def _places_above(
  tile: Float32[np.ndarray, "t t"], limits: Float32[np.ndarray, "#t #t"]
) -> Int[np.ndarray, "c"]:
  """Returns where a tile exceeds limits that broadcast to it, flattened."""
  limits = np.broadcast_to(limits, tile.shape)
  slabs = [slice(first, first + _SLAB) for first in range(0, len(tile), _SLAB)]
  return np.concatenate(
    [
      slab.start * len(tile) + np.flatnonzero(tile[slab] > limits[slab])
      for slab in slabs
    ]
  )


def _append(
  rows: np.ndarray, items: np.ndarray, counts: np.ndarray, padding: int | float
) -> np.ndarray:
  """Appends the next `counts[i]` items to row i, and pads all to one width."""
  width = int(counts.max(initial=0))
  row = np.repeat(np.arange(len(rows)), counts)
  place = np.arange(len(items)) - np.repeat(np.cumsum(counts) - counts, counts)
  appended = np.full((len(rows), width), padding, rows.dtype)
  appended[row, place] = items
  return np.concatenate([rows, appended], axis=1)
