"""Nearest neighbours tile by tile, on a CPU.

Tiles hold the cosines themselves, from NumPy's BLAS, whose products are faster
than XLA's; or, where products of bytes are faster still, upper bounds of them
(`graph/bounds.py`).
"""

import functools
from typing import Protocol

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Float32, Int32

from dsth_jax.graph.exact import bounds, threads, tiles
from dsth_jax.graph.exact.topk import Best, candidates, lowest

# The usual side of a tile, which stays in the cache.
BLOCK_SIZE = 2048


class Scores(Protocol):
  """What neighbours are chosen by.

  Attributes:
    num_kept: of the highest scores of a point.
    dtype: of a score.
  """

  num_kept: int
  dtype: type

  def write(
    self, tile: np.ndarray, row: int, lines: slice, column: int
  ) -> None:
    """Writes the scores of some points of a block with those of another."""
    ...

  def neighbors(
    self, best: list[Best]
  ) -> tuple[Int32[np.ndarray, "n k"], Float32[np.ndarray, "n k"]]:
    """Returns indices and similarities of all points and the padding."""
    ...


class Cosines:
  """The similarities themselves."""

  dtype = np.float32

  def __init__(self, blocks: np.ndarray, tiling: tiles.Tiling):
    self.num_kept = tiling.num_neighbors
    self._blocks = blocks

  def write(
    self,
    tile: Float32[np.ndarray, "m t"],
    row: int,
    lines: slice,
    column: int,
  ) -> None:
    """Writes the cosines of some points of a block with those of another."""
    np.matmul(self._blocks[row][lines], self._blocks[column].T, out=tile)

  def neighbors(
    self, best: list[Best]
  ) -> tuple[Int32[np.ndarray, "n k"], Float32[np.ndarray, "n k"]]:
    """Returns what was kept: it is exact."""
    indices = np.concatenate([each.indices for each in best])
    return indices, np.concatenate([each.scores for each in best])


class Tiles:
  """The best neighbours so far of all points, in blocks of rows."""

  def __init__(self, blocks: np.ndarray, tiling: tiles.Tiling):
    self._tiling = tiling
    self._scores = _fastest_scores(blocks, tiling)(blocks, tiling)
    shape = (tiling.side, tiling.side)
    self._tile = np.empty(shape, self._scores.dtype)
    self._best = [
      Best(tiling.side, self._scores.num_kept, self._scores.dtype)
      for _ in blocks
    ]

  def visit(self, row: int, column: int) -> None:
    """Takes a tile on or above the diagonal into account, for both sides."""
    parts = threads.parts(self._tiling.side)
    threads.at_once(functools.partial(self._write, row, column), parts)
    threads.at_once(functools.partial(self._search, row, column, 1), parts)
    if row != column:
      threads.at_once(functools.partial(self._search, column, row, 0), parts)

  def _write(self, row: int, column: int, lines: slice) -> None:
    """Writes some rows of a tile."""
    tile, side = self._tile[lines], self._tiling.side
    nobody = lowest(tile.dtype)
    self._scores.write(tile, row, lines, column)
    tile[:, max(self._tiling.num_points - column * side, 0) :] = nobody
    if row == column:
      own = np.arange(side)[lines]
      tile[own - lines.start, own] = nobody

  def _search(self, own: int, other: int, axis: int, lines: slice) -> None:
    """Searches some rows of the tile (axis 1), or some columns (axis 0)."""
    best = self._best[own]
    found = candidates(
      self._tile[lines] if axis == 1 else self._tile[:, lines],
      best.limits()[lines],
      num_kept=self._scores.num_kept,
      axis=axis,
    )
    best.add(found.moved(lines.start, other * self._tiling.side))

  def neighbors(self) -> tuple[Int32[Array, "n k"], Float[Array, "n k"]]:
    """Returns indices and similarities."""
    indices, similarities = self._scores.neighbors(self._best)
    rows = slice(0, self._tiling.num_points)
    return jnp.asarray(indices[rows]), jnp.asarray(similarities[rows])


def _fastest_scores(
  blocks: np.ndarray, tiling: tiles.Tiling
) -> type[Cosines] | type[bounds.Bounds]:
  """Returns the kind of score that is fastest here and for these points."""
  return bounds.Bounds if bounds.are_fast(blocks, tiling) else Cosines
