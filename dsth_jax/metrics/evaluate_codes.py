"""Retrieval metrics of binary codes, ranked by Hamming distance."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Int, UInt8

from dsth_jax import codes as codes_lib
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.metrics import averages, distance_bins, relevance, sharded
from dsth_jax.metrics.average_precision import Ties
from dsth_jax.types import ArrayLike

_Item = TypeVar("_Item")

RECALL_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BETAS = (0.5, 0.25)
# Rows that HD3P and NC3P count: within a distance, within a number of distances.
HD3P_RADIUS = 3
NC3P_DISTANCES = 3
# Larger tiles of distances cost more in page faults than they save in dispatch
# (3.7 against 0.9 ns a pair for tiles of 50 MB).
TILE_QUERIES = 128
TILE_DATABASE = 65536
# The scores of a block of queries fit the cache, whatever max_rank is.
SCORES_IN_BLOCK = 1 << 19


def evaluate(
  query_codes: UInt8[ArrayLike, "q w"],
  database_codes: UInt8[ArrayLike, "m w"],
  ground_truth: GroundTruth,
  *,
  num_bits: int,
  max_rank: int = 1000,
  recall_levels: Sequence[float] = RECALL_LEVELS,
  betas: Sequence[float] = BETAS,
  mesh: jax.sharding.Mesh | None = None,
) -> averages.Metrics:
  """Returns the retrieval metrics of codes.

  Database rows that are equally far from a query are ties. Every metric is its
  mean over all orders of the ties, each as likely, so that it does not depend
  on the order of the database; mAP also has its lowest and highest value. All
  metrics follow from two histograms of distances for each query, of all rows
  and of the relevant ones.

  Args:
    query_codes: packed.
    database_codes: packed.
    ground_truth: the database rows that are relevant to each query, and those
      that are ignored: left out of its ranking.
    num_bits: of a code.
    max_rank: K; above the size of the database it means all ranks.
    recall_levels: of the precision-recall curve.
    betas: of the F-measures.
    mesh: of `sharding.make_mesh`: the database is split over its devices. None,
      or a mesh of one device, is the default device. The figures are the same.

  Returns:
    Figures that can be written as JSON. Averages are over the queries that have
    a relevant database row:

    * num_queries, num_queries_without_relevant, num_database (the smallest
      number of rows that a query is ranked against);
    * mean_average_precision and mean_average_precision_at_K, each also with
      _pessimistic and _optimistic;
    * map_trapezium, with the same two bounds, where the ground truth is of
      lists: the area under the precision-recall curve as the programs of Oxford
      Buildings and Holidays count it;
    * precision_at_recall at recall_levels (RP);
    * precision_of_returned at returned_images (RIP);
    * max_f_beta_B: the largest F-measure at the six levels of recall of Table
      III, whatever recall_levels are; max_f_all_levels_beta_B: at
      recall_levels;
    * hd3p: precision within distance 3, 0 without a row there, and
      hd3p_empty_share, the share of queries without a row there;
    * nc3p: precision within the three smallest distances that occur.

  Raises:
    ValueError: the codes do not fit the ground truth, `num_bits` does not fill
      the codes, or no query has a relevant row.

  References:
    Section IV-A, RP, RIP, NC3P and HD3P; the mean over ties is McSherry and
    Najork's, ECIR 2008.
  """
  query_codes, database_codes = map(np.asarray, (query_codes, database_codes))
  num_queries, size = ground_truth.num_queries, ground_truth.num_database
  relevance.check_rows("query_codes", query_codes, num_queries, "queries")
  relevance.check_rows("database_codes", database_codes, size, "database rows")
  check_num_bits("query_codes", query_codes, num_bits)
  check_num_bits("database_codes", database_codes, num_bits)
  protocol = averages.checked_protocol(
    max_rank,
    recall_levels,
    betas,
    relevance.num_ranked(ground_truth),
    has_lists=ground_truth.has_lists,
  )
  blocks = (
    _scores(histograms, protocol)
    for histograms in _histograms(
      (query_codes, database_codes), ground_truth, protocol, mesh
    )
  )
  return averages.summarize(blocks, protocol, num_queries)


def check_num_bits(name: str, packed: ArrayLike, num_bits: int) -> None:
  """Raises ValueError unless `num_bits` fills the packed codes."""
  codes_lib.check_packed(name, packed)
  num_bytes = packed.shape[1]
  if num_bytes != -(-num_bits // 8) or num_bits < 1:
    raise ValueError(
      f"num_bits is {num_bits}, but {name} of {num_bytes} bytes hold "
      f"{8 * num_bytes - 7} to {8 * num_bytes} bits: pass the number of bits "
      "that were packed."
    )
  unused = (1 << (8 * num_bytes - num_bits)) - 1
  if np.any(np.asarray(packed)[:, -1] & np.uint8(unused)):
    raise ValueError(
      f"{name} have ones past bit {num_bits}, but unused bits must be zero: "
      "pass the number of bits that were packed, and pack with codes.pack."
    )


def _histograms(
  codes: tuple[np.ndarray, np.ndarray],
  ground_truth: GroundTruth,
  protocol: averages.Protocol,
  mesh: jax.sharding.Mesh | None,
) -> Iterator[np.ndarray]:
  """Yields Int[q distance 2] of a block of queries: irrelevant, relevant."""
  ranks = min(protocol.max_rank, protocol.num_database)
  height = max(1, min(TILE_QUERIES, SCORES_IN_BLOCK // ranks))
  num_queries = len(codes[0])
  num_bins = distance_bins.num_bins(codes[0].shape[1])
  starts = range(0, num_queries, height)
  blocks = [slice(i, min(i + height, num_queries)) for i in starts]
  labels = relevance.comparable_labels(ground_truth)
  if mesh is None or mesh.size == 1:
    counted = _histograms_on_one_device(codes, labels, blocks)
  else:
    counted = sharded.histograms(codes, labels, blocks, mesh=mesh)
  for block, histogram in zip(blocks, counted):
    relevance.add_to_histograms(histogram, codes, ground_truth, block)
    yield histogram.reshape(-1, num_bins // 2, 2)


def _histograms_on_one_device(
  codes: tuple[np.ndarray, np.ndarray],
  labels: tuple[np.ndarray, np.ndarray],
  blocks: Sequence[slice],
) -> Iterator[Int[np.ndarray, "q bins"]]:
  """Yields the histograms of `sharded.histograms`."""
  size = len(codes[1])
  parts = [slice(j, j + TILE_DATABASE) for j in range(0, size, TILE_DATABASE)]
  counts = _one_ahead(
    _start_count(
      (codes[0][block], codes[1][part]), (labels[0][block], labels[1][part])
    )
    for block in blocks
    for part in parts
  )
  for _ in blocks:
    histogram = next(counts)().astype(np.int64)
    for _ in parts[1:]:
      histogram += next(counts)()
    yield histogram


def _one_ahead(items: Iterable[_Item]) -> Iterator[_Item]:
  """Yields each item after the next one was made or started."""
  items = iter(items)
  last = next(items)
  for item in items:
    yield last
    last = item
  yield last


def _start_count(
  codes: tuple[np.ndarray, np.ndarray], labels: tuple[np.ndarray, np.ndarray]
) -> Callable[[], Int[np.ndarray, "q bins"]]:
  """Starts a tile on the device; returns a function that waits and counts."""
  num_bins = distance_bins.num_bins(codes[0].shape[1])
  # NumPy takes 1.5 ns an item: pairs are half as many items and take half the
  # time, as long as the table of pairs is small.
  if 2 * (num_bins + 1) ** 2 > len(codes[1]):
    bins = _bins(codes, labels)
    return lambda: np.stack(
      [np.bincount(row, minlength=num_bins) for row in np.asarray(bins)]
    )
  side = num_bins + 1
  pairs = _pairs_of_bins(codes, labels, side)

  def count() -> np.ndarray:
    tables = (
      np.bincount(row, minlength=side**2).reshape(side, side)
      for row in np.asarray(pairs)
    )
    counts = np.stack([table.sum(0) + table.sum(1) for table in tables])
    return counts[:, :num_bins]

  return count


@jax.jit
def _bins(codes: tuple[Array, Array], labels: tuple[Array, Array]) -> Array:
  """Returns the bins of all pairs, in the smallest type."""
  num_bins = distance_bins.num_bins(codes[0].shape[1])
  is_small = num_bins <= np.iinfo(np.uint8).max + 1
  dtype = jnp.uint8 if is_small else jnp.uint16
  return distance_bins.bins(codes, labels).astype(dtype)


@functools.partial(jax.jit, static_argnames="side")
def _pairs_of_bins(
  codes: tuple[Array, Array], labels: tuple[Array, Array], side: int
) -> Array:
  """Pairs the bin of each row in the first half with one in the second.

  A row without a partner is paired with the last bin, which no row has.
  """
  bins = _bins(codes, labels).astype(jnp.uint16)
  half = -(-bins.shape[1] // 2)
  rest = jnp.pad(
    bins[:, half:],
    ((0, 0), (0, bins.shape[1] % 2)),
    constant_values=side - 1,
  )
  return bins[:, :half] * jnp.uint16(side) + rest


def _scores(
  histograms: np.ndarray, protocol: averages.Protocol
) -> averages.Scores:
  """Scores the queries that have a relevant row."""
  histograms = histograms[histograms[:, :, 1].sum(1) > 0]
  sizes, hits = histograms.sum(2), histograms[:, :, 1]
  ties = Ties(
    np.cumsum(sizes, axis=1) - sizes,
    sizes,
    np.cumsum(hits, axis=1) - hits,
    hits,
    hits.sum(1),
  )
  in_ball = sizes[:, : HD3P_RADIUS + 1].sum(1)
  in_ball_hits = hits[:, : HD3P_RADIUS + 1].sum(1)
  near = np.cumsum(sizes > 0, axis=1) <= NC3P_DISTANCES
  return {
    **averages.ranking_scores(ties, protocol),
    "hd3p": in_ball_hits / np.maximum(in_ball, 1),
    "hd3p_empty_share": (in_ball == 0).astype(np.float64),
    "nc3p": (hits * near).sum(1) / (sizes * near).sum(1),
  }
