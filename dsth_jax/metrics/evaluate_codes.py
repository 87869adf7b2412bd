"""Retrieval metrics of binary codes, ranked by Hamming distance."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Int, UInt8

from dsth_jax import hamming
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.metrics import averages, relevance, sharded
from dsth_jax.metrics import distance_bins as bins_
from dsth_jax.metrics.average_precision import Ties
from dsth_jax.types import ArrayLike

_Item = TypeVar("_Item")

RECALL_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BETAS = (0.5, 0.25)
# What HD3P and NC3P count as near: a distance, and a number of distances.
HD3P_RADIUS = 3
NC3P_DISTANCES = 3
# A tile of distances stays near the cache: larger ones cost more in page
# faults than they save in dispatch (3.7 against 0.9 ns a pair, 50 MB tiles).
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
  """Judges codes by what they retrieve.

  Database rows that are equally far from a query are ties. Every metric is its
  mean over all orders of the ties, each as likely, so that the order of the
  database means nothing; mAP has the lowest and highest value beside it. All of
  it follows from two histograms of distances a query, of all rows and of the
  relevant ones.

  Args:
    query_codes: packed.
    database_codes: packed.
    ground_truth: which database rows are relevant to which query, and which
      are ignored: left out of its ranking.
    num_bits: of a code.
    max_rank: K; above the size of the database it means all ranks.
    recall_levels: of the precision-recall curve.
    betas: of the F-measures.
    mesh: of `sharding.make_mesh`: the database is split over its devices. None,
      or a mesh of one device, is this one. The figures are the same.

  Returns:
    JSON-serialisable figures. Averages are over the queries that have a
    relevant database row:

    * num_queries, num_queries_without_relevant, num_database (rows that every
      query is ranked against, at the least);
    * mean_average_precision and mean_average_precision_at_K, each also with
      _pessimistic and _optimistic;
    * precision_at_recall beside recall_levels (RP);
    * precision_of_returned beside returned_images (RIP);
    * max_f_beta_B: the largest F-measure of the RP curve;
    * hd3p: precision within distance 3, 0 if nothing is there, and
      hd3p_empty_share, the share of queries for which nothing is;
    * nc3p: precision within the three smallest distances that occur.

  Raises:
    ValueError: codes and ground truth do not fit together, `num_bits` does not
      fill the codes, or no query has a relevant row.

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
    max_rank, recall_levels, betas, relevance.num_ranked(ground_truth)
  )
  blocks = (
    _scores(histograms, protocol)
    for histograms in _histograms(
      (query_codes, database_codes), ground_truth, protocol, mesh
    )
  )
  return averages.summarize(blocks, protocol, num_queries)


def check_num_bits(name: str, packed: ArrayLike, num_bits: int) -> None:
  """Refuses packed codes that `num_bits` does not fill."""
  hamming.check_packed(name, packed)
  num_bytes = packed.shape[1]
  if num_bytes != -(-num_bits // 8) or num_bits < 1:
    raise ValueError(
      f"num_bits is {num_bits}, but {name} of {num_bytes} bytes hold "
      f"{8 * num_bytes - 7} to {8 * num_bytes} bits: pass the number of bits "
      "that were packed."
    )
  spare = (1 << (8 * num_bytes - num_bits)) - 1
  if np.any(np.asarray(packed)[:, -1] & np.uint8(spare)):
    raise ValueError(
      f"{name} have ones past bit {num_bits}, but spare bits must be zero: "
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
  num_queries, num_bins = len(codes[0]), bins_.num_bins(codes[0].shape[1])
  starts = range(0, num_queries, height)
  blocks = [slice(i, min(i + height, num_queries)) for i in starts]
  labels = relevance.comparable_labels(ground_truth)
  if mesh is None or mesh.size == 1:
    counted = _histograms_here(codes, labels, blocks)
  else:
    counted = sharded.histograms(codes, labels, blocks, mesh=mesh)
  for block, histogram in zip(blocks, counted):
    relevance.add_to_histograms(histogram, codes, ground_truth, block)
    yield histogram.reshape(-1, num_bins // 2, 2)


def _histograms_here(
  codes: tuple[np.ndarray, np.ndarray],
  labels: tuple[np.ndarray, np.ndarray],
  blocks: Sequence[slice],
) -> Iterator[Int[np.ndarray, "q bins"]]:
  """Yields what `split.histograms` does, on one device."""
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
  """Yields every item after the next has been made, or at least started."""
  items = iter(items)
  last = next(items)
  for item in items:
    yield last
    last = item
  yield last


def _start_count(
  codes: tuple[np.ndarray, np.ndarray], labels: tuple[np.ndarray, np.ndarray]
) -> Callable[[], Int[np.ndarray, "q bins"]]:
  """Starts a tile on the device; what it returns waits for it, and counts."""
  num_bins = bins_.num_bins(codes[0].shape[1])
  # NumPy counts 1.5 ns an item, so that half as many items that are pairs take
  # half the time, if only the table of pairs is small.
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
  """The bins of all pairs, in the smallest type."""
  is_small = bins_.num_bins(codes[0].shape[1]) <= np.iinfo(np.uint8).max + 1
  dtype = jnp.uint8 if is_small else jnp.uint16
  return bins_.bins(codes, labels).astype(dtype)


@functools.partial(jax.jit, static_argnames="side")
def _pairs_of_bins(
  codes: tuple[Array, Array], labels: tuple[Array, Array], side: int
) -> Array:
  """Pairs the bin of each row in the first half with one in the second.

  An odd row is paired with the last bin, which nothing else has.
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
