"""The nearest codes of a database, and all codes within a radius."""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Int32, Int64, UInt8

from dsth_jax.hamming import bit_planes, pairwise_distances, sharded
from dsth_jax.types import ArrayLike

# A tile about fits the cache. Its rows are not a power of two: the bit planes
# of 32,768 rows are 4,096 bytes apart, share a few lines of the cache, and take
# 1.9 times as long at 64 bits.
TILE_QUERIES = 256
TILE_DATABASE = 32_000
# All distances of the first rows are sorted.
FIRST_ROWS = 4096


class SearchResult(NamedTuple):
  """The nearest database rows of every query.

  Attributes:
    distances: ascending.
    indices: rows of the database, ascending where distances are equal.
  """

  distances: Int32[Array, "q r"]
  indices: Int32[Array, "q r"]


class RangeResult(NamedTuple):
  """The database rows within a radius of every query, in compressed rows.

  The results of query i are `indices[offsets[i]:offsets[i + 1]]`.

  Attributes:
    offsets: of each query, and the number of all results.
    indices: rows of the database, ordered by (distance, index) in each query.
    distances: of each result.
  """

  offsets: Int64[np.ndarray, "q_plus_one"]
  indices: Int32[np.ndarray, "all"]
  distances: Int32[np.ndarray, "all"]


def search(
  queries: UInt8[ArrayLike, "q w"],
  database: UInt8[ArrayLike, "m w"],
  *,
  num_results: int,
  mesh: jax.sharding.Mesh | None = None,
) -> SearchResult:
  """Returns the nearest database rows of every query, exactly.

  The first rows are sorted by distance. Of the others only those closer than
  a query's last result so far can enter; they are few, and one comparison per
  tile finds them. Memory: two copies of the database, a tile, and the results.

  Args:
    queries: packed codes.
    database: packed codes of the same width.
    num_results: r, at most the size of the database.
    mesh: of `sharding.make_mesh`: the database is split over its devices. None,
      or a mesh of one device, is the default device.

  Returns:
    `SearchResult(distances[q r], indices[q r])`, ordered by (distance, index).

  Raises:
    ValueError: the codes are not UInt8 matrices of one width, the database is
      empty, or `num_results` is not in 1 .. m.
  """
  pairwise_distances.check_codes(queries, database)
  _check_num_results(num_results, database.shape[0])
  if mesh is not None and mesh.size > 1:
    distances, indices = sharded.search(
      np.asarray(queries), database, num_results=num_results, mesh=mesh
    )
    return SearchResult(jnp.asarray(distances), jnp.asarray(indices))
  first = max(FIRST_ROWS, num_results)
  tiles = _Tiles(np.asarray(database), start=first)
  found = [
    _search_block(block, tiles, num_results)
    for block in _query_blocks(np.asarray(queries), num_results)
  ]
  return SearchResult(*(jnp.concatenate(parts) for parts in zip(*found)))


def range_search(
  queries: UInt8[ArrayLike, "q w"],
  database: UInt8[ArrayLike, "m w"],
  *,
  radius: int,
) -> RangeResult:
  """Returns all database rows within a Hamming radius of every query, exactly.

  Args:
    queries: packed codes.
    database: packed codes of the same width.
    radius: the largest distance included; 0 finds equal codes.

  Returns:
    `RangeResult(offsets[q + 1], indices, distances)`: NumPy arrays, since
    their length depends on the codes.

  Raises:
    ValueError: the codes are not UInt8 matrices of one width, the database is
      empty, or `radius` is negative.
  """
  pairwise_distances.check_codes(queries, database)
  if radius < 0:
    raise ValueError(
      f"radius is {radius}, but a Hamming distance is never negative: pass 0 "
      "for equal codes, or more."
    )
  tiles = _Tiles(np.asarray(database), start=0)
  found = [
    _range_block(block, tiles, radius)
    for block in _query_blocks(np.asarray(queries))
  ]
  counts, indices, distances = map(np.concatenate, zip(*found))
  offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
  return RangeResult(offsets, indices, distances)


def _check_num_results(num_results: int, size: int) -> None:
  if not 1 <= num_results <= size:
    raise ValueError(
      f"num_results is {num_results}, but the database has {size} rows: pass "
      f"1 to {size}."
    )


def _query_blocks(
  queries: np.ndarray, num_results: int = 1
) -> Iterator[np.ndarray]:
  """Yields blocks of queries with bounded results, keys and tiles.

  A key (query, distance) fits 16 bits: NumPy sorts such small integers by
  radix, ten times as fast as larger ones.
  """
  num_keys, num_pairs = 2**16, TILE_QUERIES * TILE_DATABASE
  height = min(
    TILE_QUERIES,
    num_keys // (8 * queries.shape[1] + 1),
    max(1, num_pairs // num_results),
  )
  for start in range(0, max(len(queries), 1), height):
    yield queries[start : start + height]


class _Entries(NamedTuple):
  """Pairs of a query and a database row, ordered by both."""

  queries: np.ndarray
  rows: np.ndarray
  distances: np.ndarray


class _Tiles:
  """A database, and its rows from `start` on in tiles prepared for search."""

  def __init__(self, database: np.ndarray, *, start: int):
    self.database, self.start = database, start
    self._words = _as_words(database)
    self._comparison = bit_planes.fastest_comparison(database.shape[1])
    self._tiles = [
      (first, self._comparison.prepare(database[first : first + TILE_DATABASE]))
      for first in range(start, len(database), TILE_DATABASE)
    ]

  def below(
    self, queries: np.ndarray, limits: np.ndarray
  ) -> Iterator[_Entries]:
    """Yields the rows below the limits of distance, one tile at a time.

    The limits may be lowered in place between tiles.
    """
    padded, words = _pad_to_power_of_two(queries), _as_words(queries)
    padded_limits = np.zeros(len(padded), limits.dtype)
    for first, tile in self._tiles:
      padded_limits[: len(limits)] = limits
      is_below = self._comparison.is_below(padded, tile, padded_limits)
      places, rows = _ones(np.asarray(is_below)[: len(queries)])
      rows += first
      kept = rows < len(self.database)
      places, rows = places[kept], rows[kept]
      yield _Entries(places, rows, _distances(words, self._words, places, rows))


def _pad_to_power_of_two(queries: np.ndarray) -> np.ndarray:
  """Adds queries, so that few shapes are compiled."""
  missing = (1 << (len(queries) - 1).bit_length()) - len(queries)
  return np.pad(queries, ((0, max(missing, 0)), (0, 0)))


def _ones(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Returns row and column of every bit that is 1 in rows of 32-bit words."""
  # NumPy finds true values several times faster than non-zero ones.
  words = np.flatnonzero(mask.ravel() != 0)
  bits = np.unpackbits(mask.ravel()[words].view(np.uint8), bitorder="little")
  ones = np.flatnonzero(bits.view(bool))
  rows, word_in_row = np.divmod(words[ones // 32], mask.shape[1])
  return rows, 32 * word_in_row + ones % 32


def _as_words(packed: np.ndarray) -> list[np.ndarray]:
  """Returns packed codes as columns of 64-bit words."""
  padded = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8)))
  return list(np.ascontiguousarray(padded.view(np.uint64).T))


def _distances(
  queries: list[np.ndarray],
  database: list[np.ndarray],
  places: np.ndarray,
  rows: np.ndarray,
) -> np.ndarray:
  """Returns the distance of each query in `places` to the row beside it."""
  return sum(
    np.bitwise_count(query_words[places] ^ row_words[rows]).astype(np.int32)
    for query_words, row_words in zip(queries, database)
  )


def _search_block(
  queries: np.ndarray, tiles: _Tiles, num_results: int
) -> tuple[np.ndarray, np.ndarray]:
  """Returns (distances, indices) of a block of queries."""
  padded = _pad_to_power_of_two(queries)
  head = np.asarray(
    pairwise_distances.distances(padded, tiles.database[: tiles.start])
  )
  head = head[: len(queries)]
  num_bits = 8 * queries.shape[1]
  # Stable, and a radix sort on types this small.
  small = head.astype(np.uint8 if num_bits < 256 else np.uint16)
  rows = np.argsort(small, axis=1, kind="stable")[:, :num_results]
  found = np.take_along_axis(head, rows, 1)
  limits = found[:, -1].copy()
  waiting: list[_Entries] = []
  # Equal distances are left out: rows of later tiles have higher indices.
  for entries in tiles.below(queries, limits):
    waiting.append(entries)
    # Results are sorted again once many entries wait, not at every tile.
    if 2 * sum(len(each.rows) for each in waiting) > found.size:
      found, rows = _merge(found, rows, waiting)
      limits[:] = found[:, -1]
      waiting.clear()
  if waiting:
    found, rows = _merge(found, rows, waiting)
  return found, rows.astype(np.int32)


def _merge(
  found: np.ndarray, rows: np.ndarray, waiting: list[_Entries]
) -> tuple[np.ndarray, np.ndarray]:
  """Merges entries into the ordered results, after those of equal distance."""
  num_queries, num_results = found.shape
  queries = np.repeat(np.arange(num_queries), num_results)
  ordered = _Entries(queries, rows.ravel(), found.ravel())
  merged = _Entries(*map(np.concatenate, zip(ordered, *waiting)))
  order = _by_query_and_distance(merged)
  counts = np.bincount(merged.queries, minlength=num_queries)
  starts = np.cumsum(counts) - counts
  kept = order[starts[:, None] + np.arange(num_results)[None, :]]
  return merged.distances[kept], merged.rows[kept]


def _by_query_and_distance(entries: _Entries) -> np.ndarray:
  """Returns the stable order by (query, distance), by radix sort."""
  num_distances = int(entries.distances.max(initial=0)) + 1
  keys = entries.queries * num_distances + entries.distances
  return np.argsort(keys.astype(np.uint16), kind="stable")


def _range_block(
  queries: np.ndarray, tiles: _Tiles, radius: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns (counts of each query, indices, distances) of a block."""
  limits = np.full(len(queries), min(radius, 8 * queries.shape[1]) + 1)
  tiled = tiles.below(queries, limits)
  found = _Entries(*map(np.concatenate, zip(*tiled)))
  order = _by_query_and_distance(found)
  counts = np.bincount(found.queries, minlength=len(queries))
  return counts, found.rows[order].astype(np.int32), found.distances[order]
