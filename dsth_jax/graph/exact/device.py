"""Nearest neighbours tile by tile, on a device: for GPUs and TPUs.

Every tile is searched whole. `host_tiles` is the form for CPUs.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int32

from dsth_jax.graph.exact import tiles

# The usual side of a tile.
BLOCK_SIZE = 4096


class Tiles:
  """The best neighbours so far of all points, in blocks of rows."""

  def __init__(self, blocks: np.ndarray, tiling: tiles.Tiling):
    self._tiling = tiling
    self._blocks = [jnp.asarray(block) for block in blocks]
    self._best = [
      tiles.no_neighbors(tiling.side, tiling.num_neighbors) for _ in blocks
    ]

  def visit(self, row: int, column: int) -> None:
    """Takes a tile on or above the diagonal into account, for both sides."""
    rows, columns = self._blocks[row], self._blocks[column]
    starts = (row * self._tiling.side, column * self._tiling.side)
    tile = tiles.similarities(rows, columns, *starts, self._tiling.num_points)
    merge = functools.partial(tiles.merge, chunk=self._tiling.chunk)
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
