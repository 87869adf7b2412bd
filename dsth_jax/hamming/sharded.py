"""Exact search of a database that is split over many devices."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Int32, UInt8

from dsth_jax.hamming import pairwise_distances
from dsth_jax.runtime import sharding
from dsth_jax.types import ArrayLike

# A tile of distances, on each device.
TILE_QUERIES = 256
TILE_DATABASE = 16_384

_Found = tuple[Int32[Array, "q r"], Int32[Array, "q r"]]


def search(
  queries: UInt8[np.ndarray, "q w"],
  database: UInt8[ArrayLike, "m w"],
  *,
  num_results: int,
  mesh: jax.sharding.Mesh,
) -> tuple[Int32[np.ndarray, "q r"], Int32[np.ndarray, "q r"]]:
  """Returns distances and indices, as `hamming.search` does.

  Every device searches its rows, and their top results are merged.
  """
  size, width = database.shape
  tile = min(TILE_DATABASE, -(-size // mesh.size))
  per_device = -(-size // (mesh.size * tile)) * tile

  def read(start: int, count: int) -> np.ndarray:
    rows = np.asarray(database[start : start + count])
    return np.pad(rows, ((0, count - len(rows)), (0, 0)))

  rows = sharding.place_rows(mesh, read, shape=(mesh.size * per_device, width))
  found = []
  for start in range(0, max(len(queries), 1), TILE_QUERIES):
    block = queries[start : start + TILE_QUERIES]
    padded = np.pad(block, ((0, TILE_QUERIES - len(block)), (0, 0)))
    results = search_block(
      sharding.place_whole(mesh, padded),
      rows,
      sharding.place_whole(mesh, np.array(size, np.int32)),
      num_results=num_results,
      tile=tile,
      mesh=mesh,
    )
    found.append([sharding.to_host(part)[: len(block)] for part in results])
  distances, indices = map(np.concatenate, zip(*found))
  return distances, indices


@functools.partial(jax.jit, static_argnames=("num_results", "tile", "mesh"))
def search_block(
  queries: UInt8[Array, "q w"],
  database: UInt8[Array, "m w"],
  size: Int32[Array, ""],
  *,
  num_results: int,
  tile: int,
  mesh: jax.sharding.Mesh,
) -> _Found:
  """Searches a block of queries; rows from `size` on are padding."""

  def on_device(
    queries: UInt8[Array, "q w"],
    local: UInt8[Array, "rows w"],
    size: Int32[Array, ""],
  ) -> tuple[Int32[Array, "1 q r"], Int32[Array, "1 q r"]]:
    start = jax.lax.axis_index(sharding.ROWS) * local.shape[0]

    def search_tile(
      found: _Found, place: tuple[Array, Array]
    ) -> tuple[_Found, None]:
      first, rows = place
      index = start + first + jnp.arange(tile, dtype=jnp.int32)
      distances = pairwise_distances.distances(queries, rows)
      distances = jnp.where(index[None, :] < size, distances, _FAR)
      index = jnp.broadcast_to(index[None, :], distances.shape)
      # The rows come in order: earlier rows stay first at equal distances.
      return _merge(found, (distances, index), num_results), None

    shape = (queries.shape[0], num_results)
    nothing = jnp.full(shape, _FAR, jnp.int32), jnp.zeros(shape, jnp.int32)
    nothing = jax.lax.pcast(nothing, sharding.ROWS, to="varying")
    firsts = jnp.arange(0, local.shape[0], tile, dtype=jnp.int32)
    tiles = local.reshape(len(firsts), tile, -1)
    found, _ = jax.lax.scan(search_tile, nothing, (firsts, tiles))
    return jax.tree.map(lambda part: part[None], found)

  split, whole = sharding.SPLIT, sharding.WHOLE
  parts = jax.shard_map(
    on_device, mesh=mesh, in_specs=(whole, split, whole), out_specs=split
  )(queries, database, size)
  return functools.reduce(
    functools.partial(_merge, num_results=num_results),
    [(parts[0][device], parts[1][device]) for device in range(mesh.size)],
  )


# A distance larger than any.
_FAR = np.iinfo(np.int32).max


def _merge(
  first: _Found,
  second: tuple[Int32[Array, "q s"], Int32[Array, "q s"]],
  num_results: int,
) -> _Found:
  """Returns the nearest of both; at equal distances those of the first."""
  distances, indices = (
    jnp.concatenate(pair, axis=1) for pair in zip(first, second)
  )
  negated, kept = jax.lax.top_k(-distances, num_results)
  return -negated, jnp.take_along_axis(indices, kept, axis=1)
