"""Nearest neighbours tile by tile, on a device: for GPUs and TPUs.

Every tile is searched whole. `host_tiles` is the form for CPUs.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Int32

from dsth_jax.graph import whole_tile

# The usual side of a tile.
BLOCK_SIZE = 4096


class Tiles:
  """The best neighbours so far of all points, in blocks of rows."""

  def __init__(self, blocks: list[np.ndarray], tiling: whole_tile.Tiling):
    self._tiling = tiling
    self._blocks = [jnp.asarray(block) for block in blocks]
    self._best = [whole_tile.no_neighbors(tiling) for _ in blocks]

  def visit(self, row: int, column: int) -> None:
    """Takes a tile on or above the diagonal into account, for both sides."""
    rows, columns = self._blocks[row], self._blocks[column]
    starts = (row * self._tiling.side, column * self._tiling.side)
    tile = _similarities(rows, columns, *starts, self._tiling.num_points)
    merge = functools.partial(whole_tile.merge, chunk=self._tiling.chunk)
    self._best[row] = merge(self._best[row], tile, starts[1], axis=1)
    if row != column:
      self._best[column] = merge(self._best[column], tile, starts[0], axis=0)
    # Else all tiles queue up in memory.
    jax.block_until_ready(self._best[column])

  def neighbors(self) -> tuple[Int32[Array, "n k"], Float[Array, "n k"]]:
    """Returns indices and similarities."""
    indices, similarities = map(jnp.concatenate, zip(*self._best))
    num_points = self._tiling.num_points
    return indices[:num_points], similarities[:num_points]


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
