"""Exact Hamming search over packed codes: an XOR and a population count.

>>> import numpy as np
>>> database = np.array([[0b11110000], [0b11111111], [0b00000000]], np.uint8)
>>> queries = np.array([[0b11110001]], np.uint8)
>>> np.asarray(distances(queries, database)).tolist()
[[1, 3, 5]]
>>> nearest = search(queries, database, num_results=2)
>>> np.asarray(nearest.indices).tolist()
[[0, 1]]
>>> np.asarray(range_search(queries, database, radius=4).indices).tolist()
[0, 1]
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Int32, Int64, UInt8

from dsth_jax.types import ArrayLike

# A tile of distances stays near the cache: larger ones cost more in page
# faults than they save in dispatch (3.7 against 0.9 ns a pair, 50 MB tiles).
TILE_QUERIES = 256
TILE_DATABASE = 32768
# The first tile of a search is sorted whole, so it is smaller.
FIRST_TILE = 4096


class SearchResult(NamedTuple):
  """The nearest database rows of every query.

  Attributes:
    distances: ascending.
    indices: rows of the database; equally far ones ascend.
  """

  distances: Int32[Array, "q r"]
  indices: Int32[Array, "q r"]


class RangeResult(NamedTuple):
  """The database rows near every query, in compressed rows.

  Query i found `indices[offsets[i]:offsets[i + 1]]`.

  Attributes:
    offsets: of each query; the last is the number of all results.
    indices: rows of the database, ordered by (distance, index) in each query.
    distances: of each result.
  """

  offsets: Int64[np.ndarray, "q_plus_one"]
  indices: Int32[np.ndarray, "all"]
  distances: Int32[np.ndarray, "all"]


@jax.jit
def distances(
  queries: UInt8[ArrayLike, "q w"], database: UInt8[ArrayLike, "m w"]
) -> Int32[Array, "q m"]:
  """Counts the bits in which every query differs from every database row.

      H_ij = sum_k popcount(q_ik XOR x_jk),   ||y_i - y_j||^2 / 4 on -1 and 1

  Args:
    queries: packed codes.
    database: packed codes of the same width.

  Returns:
    Int32[q m], on the device.

  Raises:
    ValueError: the codes are not UInt8 matrices of one width.

  References:
    Eq. 9.
  """
  _check_codes(queries, database)
  left, right = _words(queries), _words(database)
  # Word by word and not a sum over an axis: the compiler vectorizes this one.
  differing = [
    _count_bits(left[:, k, None] ^ right[None, :, k])
    for k in range(left.shape[1])
  ]
  return sum(differing, jnp.uint32(0)).astype(jnp.int32)


def search(
  queries: UInt8[ArrayLike, "q w"],
  database: UInt8[ArrayLike, "m w"],
  *,
  num_results: int,
) -> SearchResult:
  """Finds the nearest database rows of every query, exactly.

  Distances are made a tile at a time. The first tile is sorted; after it only
  rows nearer than a query's worst result can enter, and they are few, so that
  the cost is that of the distances. Memory: a tile, and the results.

  Args:
    queries: packed codes.
    database: packed codes of the same width.
    num_results: r, at most the size of the database.

  Returns:
    `SearchResult(distances[q r], indices[q r])`, ordered by (distance, index).

  Raises:
    ValueError: the codes are not UInt8 matrices of one width, the database is
      empty, or `num_results` is not in 1 .. m.
  """
  _check_codes(queries, database)
  _check_num_results(num_results, database.shape[0])
  queries, database = np.asarray(queries), np.asarray(database)
  # Many results make the first tile wide: fewer queries keep it small.
  widest = max(TILE_DATABASE, num_results)
  height = max(1, TILE_QUERIES * TILE_DATABASE // widest)
  found = [
    _search_block(queries[start : start + height], database, num_results)
    for start in range(0, max(len(queries), 1), height)
  ]
  return SearchResult(*(jnp.concatenate(parts) for parts in zip(*found)))


def range_search(
  queries: UInt8[ArrayLike, "q w"],
  database: UInt8[ArrayLike, "m w"],
  *,
  radius: int,
) -> RangeResult:
  """Finds all database rows within a Hamming radius of every query, exactly.

  Args:
    queries: packed codes.
    database: packed codes of the same width.
    radius: the largest distance that counts; 0 finds equal codes.

  Returns:
    `RangeResult(offsets[q + 1], indices, distances)`: NumPy arrays, since
    their length depends on the codes.

  Raises:
    ValueError: the codes are not UInt8 matrices of one width, the database is
      empty, or `radius` is negative.
  """
  _check_codes(queries, database)
  if radius < 0:
    raise ValueError(
      f"radius is {radius}, but a Hamming distance is never negative: pass 0 "
      "for equal codes, or more."
    )
  queries, database = np.asarray(queries), np.asarray(database)
  found = [
    _range_block(queries[start : start + TILE_QUERIES], database, radius)
    for start in range(0, max(len(queries), 1), TILE_QUERIES)
  ]
  counts, indices, distances_ = map(np.concatenate, zip(*found))
  offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
  return RangeResult(offsets, indices, distances_)


def check_packed(name: str, packed: ArrayLike) -> None:
  """Refuses what is no matrix of packed codes."""
  if packed.ndim != 2 or packed.dtype != np.uint8 or not packed.shape[1]:
    raise ValueError(
      f"{name} are {packed.dtype}{list(packed.shape)}, but packed codes "
      "uint8[rows, bytes] are needed: pass what codes.pack returned."
    )


def _check_codes(queries: ArrayLike, database: ArrayLike) -> None:
  check_packed("queries", queries)
  check_packed("database", database)
  if queries.shape[1] != database.shape[1]:
    raise ValueError(
      f"queries have {queries.shape[1]} bytes a code and the database "
      f"{database.shape[1]}, but they must be of one width: encode both with "
      "one model."
    )
  if not database.shape[0]:
    raise ValueError(
      "the database is empty, but a search needs at least one code: encode "
      "and add some images first."
    )


def _check_num_results(num_results: int, size: int) -> None:
  if not 1 <= num_results <= size:
    raise ValueError(
      f"num_results is {num_results}, but the database can answer 1 to {size} "
      "results: ask for a number in this range."
    )


def _words(packed: ArrayLike) -> Array:
  """Views packed bytes as 32-bit words, with zeros up to a whole word."""
  packed = jnp.asarray(packed)
  padded = jnp.pad(packed, ((0, 0), (0, -packed.shape[1] % 4)))
  bytes_of_words = padded.reshape(padded.shape[0], padded.shape[1] // 4, 4)
  return jax.lax.bitcast_convert_type(bytes_of_words, jnp.uint32)


def _count_bits(words: Array) -> Array:
  """Counts the ones of every word, in parallel over ever wider fields.

  `lax.population_count` says the same, but XLA leaves it scalar on a CPU:
  0.9 against 0.35 ns a pair of 48 bits.
  """
  pairs = words - ((words >> 1) & jnp.uint32(0x55555555))
  nibbles = (pairs & jnp.uint32(0x33333333)) + (
    (pairs >> 2) & jnp.uint32(0x33333333)
  )
  in_bytes = (nibbles + (nibbles >> 4)) & jnp.uint32(0x0F0F0F0F)
  return (in_bytes * jnp.uint32(0x01010101)) >> 24


@jax.jit
def _tile(queries: Array, database: Array) -> Array:
  """Distances in the smallest type that holds them, for the memory's sake."""
  dtype = jnp.uint8 if 8 * queries.shape[1] < 256 else jnp.uint16
  return distances(queries, database).astype(dtype)


def _search_block(
  queries: np.ndarray, database: np.ndarray, num_results: int
) -> tuple[np.ndarray, np.ndarray]:
  """Returns (distances, indices) of a block of queries."""
  first = max(FIRST_TILE, num_results)
  tile = np.asarray(_tile(queries, database[:first]))
  # Stable, and a radix sort on types this small.
  indices = np.argsort(tile, axis=1, kind="stable")[:, :num_results]
  found = np.take_along_axis(tile, indices, 1)
  for start in range(first, len(database), TILE_DATABASE):
    tile = np.asarray(_tile(queries, database[start : start + TILE_DATABASE]))
    # Not "<=": an equally far row of a later tile has the higher index.
    rows, columns = _nonzero(tile < found[:, -1:])
    if len(rows):
      entering = (rows, tile[rows, columns], columns + start)
      found, indices = _merge(found, indices, entering)
  return found.astype(np.int32), indices.astype(np.int32)


def _nonzero(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """As np.nonzero, which takes 18 times as long on a sparse matrix."""
  rows, columns = np.divmod(np.flatnonzero(mask), mask.shape[1])
  return rows, columns


def _merge(
  found: np.ndarray,
  indices: np.ndarray,
  entering: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
  """Puts the entering (rows, distances, indices) into the ordered results."""
  num_queries, num_results = found.shape
  rows = np.repeat(np.arange(num_queries), num_results)
  rows = np.concatenate([rows, entering[0]])
  merged = np.concatenate([found.ravel(), entering[1]])
  columns = np.concatenate([indices.ravel(), entering[2]])
  # lexsort is stable, and what enters comes after and has higher indices.
  order = np.lexsort((merged, rows))
  starts = np.searchsorted(rows[order], np.arange(num_queries))
  kept = order[starts[:, None] + np.arange(num_results)[None, :]]
  return merged[kept], columns[kept]


def _range_block(
  queries: np.ndarray, database: np.ndarray, radius: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns (counts of each query, indices, distances) of a block."""
  parts = []
  for start in range(0, len(database), TILE_DATABASE):
    tile = np.asarray(_tile(queries, database[start : start + TILE_DATABASE]))
    rows, columns = _nonzero(tile <= radius)
    parts.append((rows, columns + start, tile[rows, columns]))
  rows, indices, found = map(np.concatenate, zip(*parts))
  order = np.lexsort((indices, found, rows))
  counts = np.bincount(rows, minlength=len(queries))
  return counts, indices[order].astype(np.int32), found[order].astype(np.int32)
