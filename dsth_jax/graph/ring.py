"""Nearest neighbours of points that are split over many devices.

Each device keeps its own points. Copies of all points travel round the ring of
devices, and every device meets each of them once: none ever holds more than its
own points and one visiting part.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Int32

from dsth_jax import sharding
from dsth_jax.graph import whole_tile


def neighbors(
  read: Callable[[int, int], np.ndarray],
  tiling: whole_tile.Tiling,
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
  tiling: whole_tile.Tiling,
  mesh: jax.sharding.Mesh,
) -> tuple[Int32[Array, "n k"], Float[Array, "n k"]]:
  """Finds the neighbours of all rows; those past the last point are padding."""

  def on_device(
    own: Float[Array, "m d"],
  ) -> tuple[Int32[Array, "m k"], Float[Array, "m k"]]:
    device, per_device = jax.lax.axis_index(sharding.ROWS), own.shape[0]
    own_start = device * per_device

    def meet(turn: Int[Array, ""], state: tuple) -> tuple:
      visiting, best = state
      start = (device + turn) % mesh.size * per_device
      found = _neighbors_among(own, visiting, own_start, start, tiling)
      towards_me = [((d + 1) % mesh.size, d) for d in range(mesh.size)]
      visiting = jax.lax.ppermute(visiting, sharding.ROWS, towards_me)
      return visiting, _nearest(best, found)

    unknown = whole_tile.no_neighbors(per_device, tiling.num_neighbors)
    # Each device's own, and not one of all.
    unknown = jax.lax.pcast(unknown, sharding.ROWS, to="varying")
    return jax.lax.fori_loop(0, mesh.size, meet, (own, unknown))[1]

  split = sharding.SPLIT
  return jax.shard_map(on_device, mesh=mesh, in_specs=split, out_specs=split)(
    rows
  )


def _neighbors_among(
  own: Float[Array, "m d"],
  visiting: Float[Array, "m d"],
  own_start: Int[Array, ""],
  start: Int[Array, ""],
  tiling: whole_tile.Tiling,
) -> tuple[Int32[Array, "m k"], Float[Array, "m k"]]:
  """Returns the k best of the visiting points for every own one."""
  side, num_features = tiling.side, own.shape[1]
  shape = (own.shape[0] // side, side, num_features)
  firsts = jnp.arange(shape[0]) * side

  def of_block(first: Array, block: Array) -> tuple:
    def meet(best: tuple, columns: tuple) -> tuple[tuple, None]:
      first_column, block_of_columns = columns
      starts = own_start + first, start + first_column
      tile = whole_tile.similarities(
        block, block_of_columns, *starts, tiling.num_points
      )
      best = whole_tile.merge(best, tile, starts[1], chunk=tiling.chunk, axis=1)
      return best, None

    unknown = whole_tile.no_neighbors(side, tiling.num_neighbors)
    unknown = jax.lax.pcast(unknown, sharding.ROWS, to="varying")
    columns = (firsts, visiting.reshape(shape))
    return jax.lax.scan(meet, unknown, columns)[0]

  blocks = jax.lax.map(
    lambda each: of_block(*each), (firsts, own.reshape(shape))
  )
  indices, similarities = blocks
  return (
    indices.reshape(-1, tiling.num_neighbors),
    similarities.reshape(-1, tiling.num_neighbors),
  )


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
