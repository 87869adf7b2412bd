"""The exact neighbor search on one GPU or TPU, tile by tile."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int32

from dsth_jax.graph.exact import tiles


class DeviceSearch:
  """Searches tiles on the default device; see `tiles.TileSearch`."""

  block_size = 4096

  def __init__(self, blocks: np.ndarray, tiling: tiles.Tiling):
    self._tiling = tiling
    self._blocks = [jnp.asarray(block) for block in blocks]
    self._found = [
      tiles.no_neighbors(tiling.side, tiling.num_neighbors) for _ in blocks
    ]

  def visit(self, row: int, column: int) -> None:
    """Searches a tile on or above the diagonal, for its rows and columns."""
    rows, columns = self._blocks[row], self._blocks[column]
    starts = (row * self._tiling.side, column * self._tiling.side)
    tile = tiles.similarities(rows, columns, *starts, self._tiling.num_points)
    merge = functools.partial(tiles.merge, chunk=self._tiling.chunk)
    self._found[row] = merge(self._found[row], tile, starts[1], axis=1)
    if row != column:
      self._found[column] = merge(self._found[column], tile, starts[0], axis=0)
    # Without waiting, all tiles are queued in memory.
    jax.block_until_ready(self._found[column])

  def neighbors(self) -> tuple[Int32[Array, "n k"], Float[Array, "n k"]]:
    """Returns indices and similarities."""
    indices, similarities = map(jnp.concatenate, zip(*self._found))
    num_points = self._tiling.num_points
    return indices[:num_points], similarities[:num_points]
