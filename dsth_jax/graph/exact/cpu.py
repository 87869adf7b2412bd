"""The exact neighbor search on a CPU, tile by tile.

A tile holds cosines from NumPy's BLAS, whose products are faster than XLA's;
or, where products of bytes are faster still, upper bounds of them (`bounds`).
"""

import functools
from typing import Protocol

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Float32, Int32

from dsth_jax.graph.exact import bounds, threads, tiles, topk


class Scores(Protocol):
  """The scores by which neighbors are chosen.

  Attributes:
    num_kept: how many of the highest scores of a point are kept.
    dtype: of a score.
  """

  num_kept: int
  dtype: type

  def write(self, tile: np.ndarray, row: int, part: slice, column: int) -> None:
    """Writes the scores between a part of block `row` and block `column`."""
    ...

  def neighbors(
    self, kept: list[topk.TopK]
  ) -> tuple[Int32[np.ndarray, "n k"], Float32[np.ndarray, "n k"]]:
    """Returns indices and similarities, those of the padding included."""
    ...


class Cosines:
  """The similarities themselves."""

  dtype: type = np.float32

  def __init__(self, blocks: np.ndarray, tiling: tiles.Tiling):
    self.num_kept = tiling.num_neighbors
    self._blocks = blocks

  def write(
    self, tile: Float32[np.ndarray, "m t"], row: int, part: slice, column: int
  ) -> None:
    """Writes the cosines between a part of block `row` and block `column`."""
    np.matmul(self._blocks[row][part], self._blocks[column].T, out=tile)

  def neighbors(
    self, kept: list[topk.TopK]
  ) -> tuple[Int32[np.ndarray, "n k"], Float32[np.ndarray, "n k"]]:
    """Returns what was kept: it is exact."""
    indices = np.concatenate([block.indices for block in kept])
    return indices, np.concatenate([block.scores for block in kept])


class CpuSearch:
  """Searches tiles on all cores; see `tiles.TileSearch`."""

  # A tile of this side stays in the cache.
  block_size = 2048

  def __init__(self, blocks: np.ndarray, tiling: tiles.Tiling):
    self._tiling = tiling
    self._scores: Scores = _fastest_scores(blocks, tiling)(blocks, tiling)
    shape = (tiling.side, tiling.side)
    self._tile: np.ndarray = np.empty(shape, self._scores.dtype)
    self._kept = [
      topk.TopK(tiling.side, self._scores.num_kept, self._scores.dtype)
      for _ in blocks
    ]

  def visit(self, row: int, column: int) -> None:
    """Searches a tile on or above the diagonal, for its rows and columns."""
    parts = threads.split(self._tiling.side)
    threads.run(functools.partial(self._write, row, column), parts)
    threads.run(functools.partial(self._search, row, column, 1), parts)
    if row != column:
      threads.run(functools.partial(self._search, column, row, 0), parts)

  def _write(self, row: int, column: int, part: slice) -> None:
    """Writes a part of the rows of a tile."""
    tile, side = self._tile[part], self._tiling.side
    padding = topk.lowest_score(tile.dtype)
    self._scores.write(tile, row, part, column)
    tile[:, max(self._tiling.num_points - column * side, 0) :] = padding
    if row == column:
      diagonal = np.arange(side)[part]
      tile[diagonal - part.start, diagonal] = padding

  def _search(self, block: int, other: int, axis: int, part: slice) -> None:
    """Searches a part of a tile's rows (axis 1) or of its columns (axis 0)."""
    kept = self._kept[block]
    found = topk.candidates(
      self._tile[part] if axis == 1 else self._tile[:, part],
      kept.limits()[part],
      num_kept=self._scores.num_kept,
      axis=axis,
    )
    kept.add(found.shifted(part.start, other * self._tiling.side))

  def neighbors(self) -> tuple[Int32[Array, "n k"], Float[Array, "n k"]]:
    """Returns indices and similarities."""
    indices, similarities = self._scores.neighbors(self._kept)
    rows = slice(0, self._tiling.num_points)
    return jnp.asarray(indices[rows]), jnp.asarray(similarities[rows])


def _fastest_scores(
  blocks: np.ndarray, tiling: tiles.Tiling
) -> type[Cosines] | type[bounds.Bounds]:
  """Returns the scores that are fastest on this CPU and for these points."""
  return bounds.Bounds if bounds.are_fast(blocks, tiling) else Cosines
