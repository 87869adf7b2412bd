"""Histograms of distances to a database that is split over many devices."""

import functools
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Int, Int32, Shaped, UInt8

from dsth_jax.metrics import distance_bins
from dsth_jax.runtime import sharding

# Rows of the database that a device compares at a time.
TILE_DATABASE = 4096


def histograms(
  codes: tuple[UInt8[np.ndarray, "q w"], UInt8[np.ndarray, "m w"]],
  labels: tuple[Shaped[np.ndarray, "q *c"], Shaped[np.ndarray, "m *c"]],
  blocks: Sequence[slice],
  *,
  mesh: jax.sharding.Mesh,
) -> Iterator[Int[np.ndarray, "p bins"]]:
  """Yields the number of rows in each bin, for a block of queries at a time.

  Every device counts its rows, and the counts are added up.

  Args:
    codes: packed, of the queries and of the database.
    labels: of both.
    blocks: of queries.
    mesh: the database is split over its devices.
  """
  size = len(codes[1])
  tile = min(TILE_DATABASE, -(-size // mesh.size))
  num_rows = -(-size // (mesh.size * tile)) * tile * mesh.size
  exists = np.ones(size, bool)
  database = [
    _place(mesh, rows, num_rows) for rows in (codes[1], labels[1], exists)
  ]
  for block in blocks:
    # One shape for all blocks: the last one is padded with the first query.
    rows = np.zeros(blocks[0].stop - blocks[0].start, np.int64)
    selected = np.arange(len(codes[0]))[block]
    rows[: len(selected)] = selected
    queries = sharding.place_whole(mesh, (codes[0][rows], labels[0][rows]))
    counts = count(*queries, *database, tile=tile, mesh=mesh)
    yield np.asarray(counts)[: len(selected)].astype(np.int64)


@functools.partial(jax.jit, static_argnames=("tile", "mesh"))
def count(
  queries: UInt8[Array, "q w"],
  query_labels: Shaped[Array, "q *c"],
  database: UInt8[Array, "m w"],
  database_labels: Shaped[Array, "m *c"],
  exists: Bool[Array, "m"],
  *,
  tile: int,
  mesh: jax.sharding.Mesh,
) -> Int32[Array, "q bins"]:
  """Counts the rows of the database that exist, by their bin."""
  length = distance_bins.num_bins(queries.shape[1])

  def on_device(
    queries: Array, query_labels: Array, *own: Array
  ) -> Int32[Array, "q bins"]:
    def add(counts: Array, rows: tuple[Array, ...]) -> tuple[Array, None]:
      codes, labels, exist = rows
      found = distance_bins.bins((queries, codes), (query_labels, labels))
      # A row that does not exist is past the last bin and not counted.
      found = jnp.where(exist[None, :], found, length)
      counted = jax.vmap(functools.partial(jnp.bincount, length=length))(found)
      return counts + counted.astype(jnp.int32), None

    tiles = [part.reshape(-1, tile, *part.shape[1:]) for part in own]
    zeros = jnp.zeros((len(queries), length), jnp.int32)
    zeros = jax.lax.pcast(zeros, sharding.ROWS, to="varying")
    counts, _ = jax.lax.scan(add, zeros, tuple(tiles))
    return jax.lax.psum(counts, sharding.ROWS)

  split, whole = sharding.SPLIT, sharding.WHOLE
  return jax.shard_map(
    on_device,
    mesh=mesh,
    in_specs=(whole, whole, split, split, split),
    out_specs=whole,
  )(queries, query_labels, database, database_labels, exists)


def _place(
  mesh: jax.sharding.Mesh, rows: Shaped[np.ndarray, "m *c"], num_rows: int
) -> Shaped[Array, "n *c"]:
  """Splits rows over the devices, with zeros up to `num_rows`."""

  def read(start: int, size: int) -> np.ndarray:
    own = rows[start : start + size]
    after = [(0, size - len(own))] + [(0, 0)] * (rows.ndim - 1)
    return np.pad(own, after)

  return sharding.place_rows(mesh, read, shape=(num_rows, *rows.shape[1:]))
