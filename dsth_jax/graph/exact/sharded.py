"""The exact neighbor search over points that are split over many devices.

Each device keeps its points. Copies of them travel round the ring of devices
block by block, and every device compares its points with each block once. A
device never holds more than its points, a visiting block and one in transit.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Int32

from dsth_jax.graph.exact import tiles
from dsth_jax.runtime import sharding


def neighbors(
  read: Callable[[int, int], np.ndarray],
  tiling: tiles.Tiling,
  *,
  num_features: int,
  mesh: jax.sharding.Mesh,
) -> tuple[Int32[Array, "n k"], Float[Array, "n k"]]:
  """Returns indices and similarities, as `cosine_knn` does.

  Args:
    read: `read(start, size)` returns these rows, each of unit length, and
      zeros past the last point.
    tiling: of the points of one device.
    num_features: d.
    mesh: the points are split over its devices.
  """
  per_device = tiling.side * math.ceil(
    tiling.num_points / mesh.size / tiling.side
  )
  shape = (per_device * mesh.size, num_features)
  rows = sharding.place_rows(mesh, read, shape=shape)
  found = search(rows, tiling=tiling, mesh=mesh)
  indices, similarities = (sharding.to_host(part) for part in found)
  points = slice(0, tiling.num_points)
  return jnp.asarray(indices[points]), jnp.asarray(similarities[points])


@functools.partial(jax.jit, static_argnames=("tiling", "mesh"))
def search(
  rows: Float[Array, "n d"],
  *,
  tiling: tiles.Tiling,
  mesh: jax.sharding.Mesh,
) -> tuple[Int32[Array, "n k"], Float[Array, "n k"]]:
  """Finds the neighbors of all rows; those past the last point are padding."""

  def on_device(
    local: Float[Array, "m d"],
  ) -> tuple[Int32[Array, "m k"], Float[Array, "m k"]]:
    device, per_device = jax.lax.axis_index(sharding.ROWS), local.shape[0]
    shift = [((d + 1) % mesh.size, d) for d in range(mesh.size)]

    def circulate(found: tuple, block: tuple) -> tuple[tuple, None]:
      first, points = block

      def compare(step: Int[Array, ""], state: tuple) -> tuple:
        visiting, found = state
        start = (device + step) % mesh.size * per_device + first
        new = _neighbors_among(
          local, visiting, device * per_device, start, tiling
        )
        visiting = jax.lax.ppermute(visiting, sharding.ROWS, shift)
        return visiting, _merge(found, new)

      return jax.lax.fori_loop(0, mesh.size, compare, (points, found))[1], None

    nothing = tiles.no_neighbors(per_device, tiling.num_neighbors)
    # Different on each device.
    nothing = jax.lax.pcast(nothing, sharding.ROWS, to="varying")
    return jax.lax.scan(circulate, nothing, _blocks(local, tiling.side))[0]

  split = sharding.SPLIT
  return jax.shard_map(on_device, mesh=mesh, in_specs=split, out_specs=split)(
    rows
  )


def _blocks(
  points: Float[Array, "m d"], side: int
) -> tuple[Int[Array, "blocks"], Float[Array, "blocks t d"]]:
  """Returns the start of each block of points, and the blocks."""
  blocks = points.reshape(-1, side, points.shape[1])
  return jnp.arange(len(blocks)) * side, blocks


def _neighbors_among(
  local: Float[Array, "m d"],
  visiting: Float[Array, "t d"],
  local_start: Int[Array, ""],
  start: Int[Array, ""],
  tiling: tiles.Tiling,
) -> tuple[Int32[Array, "m k"], Float[Array, "m k"]]:
  """Returns the top k of the visiting points for every local one."""

  def search_block(block: tuple) -> tuple:
    first, points = block
    tile = tiles.similarities(
      points, visiting, local_start + first, start, tiling.num_points
    )
    nothing = tiles.no_neighbors(tiling.side, tiling.num_neighbors)
    nothing = jax.lax.pcast(nothing, sharding.ROWS, to="varying")
    return tiles.merge(nothing, tile, start, chunk=tiling.chunk, axis=1)

  found = jax.lax.map(search_block, _blocks(local, tiling.side))
  indices, similarities = (
    part.reshape(-1, tiling.num_neighbors) for part in found
  )
  return indices, similarities


def _merge(
  first: tuple[Int32[Array, "m k"], Float[Array, "m k"]],
  second: tuple[Int32[Array, "m k"], Float[Array, "m k"]],
) -> tuple[Int32[Array, "m k"], Float[Array, "m k"]]:
  """Returns the top k of both, ties by lower index.

  The blocks do not come in the order of the points, so that the first to come
  may not win a tie.
  """
  num_neighbors = first[0].shape[1]
  indices, similarities = (
    jnp.concatenate(pair, axis=1) for pair in zip(first, second)
  )
  negated, indices = jax.lax.sort((-similarities, indices), num_keys=2)
  return indices[:, :num_neighbors], -negated[:, :num_neighbors]
