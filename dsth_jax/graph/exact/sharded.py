"""Nearest neighbours of points that are split over many devices.

Each device keeps its own points. Copies of them travel round the ring of devices
block by block, and every device meets each once: none ever holds more than its
own points, a visiting block and one under way.
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
    read: `read(start, size)` returns these rows, each of length 1, and zeros
      past the last point.
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
  """Finds the neighbours of all rows; those past the last point are padding."""

  def on_device(
    own: Float[Array, "m d"],
  ) -> tuple[Int32[Array, "m k"], Float[Array, "m k"]]:
    device, per_device = jax.lax.axis_index(sharding.ROWS), own.shape[0]
    towards_me = [((d + 1) % mesh.size, d) for d in range(mesh.size)]

    def send_round(best: tuple, block: tuple) -> tuple[tuple, None]:
      first, points = block

      def meet(turn: Int[Array, ""], state: tuple) -> tuple:
        visiting, best = state
        start = (device + turn) % mesh.size * per_device + first
        found = _neighbors_among(
          own, visiting, device * per_device, start, tiling
        )
        visiting = jax.lax.ppermute(visiting, sharding.ROWS, towards_me)
        return visiting, _nearest(best, found)

      return jax.lax.fori_loop(0, mesh.size, meet, (points, best))[1], None

    unknown = tiles.no_neighbors(per_device, tiling.num_neighbors)
    # Each device's own, and not one of all.
    unknown = jax.lax.pcast(unknown, sharding.ROWS, to="varying")
    return jax.lax.scan(send_round, unknown, _blocks(own, tiling.side))[0]

  split = sharding.SPLIT
  return jax.shard_map(on_device, mesh=mesh, in_specs=split, out_specs=split)(
    rows
  )


def _blocks(
  points: Float[Array, "m d"], side: int
) -> tuple[Int[Array, "blocks"], Float[Array, "blocks t d"]]:
  """Returns points in blocks, and the place of each block's first."""
  blocks = points.reshape(-1, side, points.shape[1])
  return jnp.arange(len(blocks)) * side, blocks


def _neighbors_among(
  own: Float[Array, "m d"],
  visiting: Float[Array, "t d"],
  own_start: Int[Array, ""],
  start: Int[Array, ""],
  tiling: tiles.Tiling,
) -> tuple[Int32[Array, "m k"], Float[Array, "m k"]]:
  """Returns the k best of the visiting points for every own one."""

  def of_block(block: tuple) -> tuple:
    first, points = block
    tile = tiles.similarities(
      points, visiting, own_start + first, start, tiling.num_points
    )
    unknown = tiles.no_neighbors(tiling.side, tiling.num_neighbors)
    unknown = jax.lax.pcast(unknown, sharding.ROWS, to="varying")
    return tiles.merge(unknown, tile, start, chunk=tiling.chunk, axis=1)

  found = jax.lax.map(of_block, _blocks(own, tiling.side))
  indices, similarities = (
    part.reshape(-1, tiling.num_neighbors) for part in found
  )
  return indices, similarities


def _nearest(
  first: tuple[Int32[Array, "m k"], Float[Array, "m k"]],
  second: tuple[Int32[Array, "m k"], Float[Array, "m k"]],
) -> tuple[Int32[Array, "m k"], Float[Array, "m k"]]:
  """Returns the k best of both, equally near ones by index.

  The parts do not come in the order of the points, so that the index has to
  decide, and not who was first.
  """
  num_neighbors = first[0].shape[1]
  indices, similarities = (
    jnp.concatenate(pair, axis=1) for pair in zip(first, second)
  )
  negated, indices = jax.lax.sort((-similarities, indices), num_keys=2)
  return indices[:, :num_neighbors], -negated[:, :num_neighbors]
