"""Retrieval metrics of float features, ranked by cosine: the usual ceiling."""

from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from dsth_jax import unit_length
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.metrics import averages, evaluate_codes, relevance
from dsth_jax.metrics.average_precision import Ties
from dsth_jax.types import ArrayLike

# A block of similarities and its sorted copy take some 50 MB.
SIMILARITIES_IN_BLOCK = 1 << 23
TILE_QUERIES = 256


def evaluate_features(
  query_features: Float[ArrayLike, "q d"],
  database_features: Float[ArrayLike, "m d"],
  ground_truth: GroundTruth,
  *,
  max_rank: int = 1000,
  recall_levels: Sequence[float] = evaluate_codes.RECALL_LEVELS,
  betas: Sequence[float] = evaluate_codes.BETAS,
) -> averages.Metrics:
  """Returns the retrieval metrics of features.

  Equal cosines are ties, as equal distances of codes are. A row of zeros has
  no direction: its cosines count as 0.

  Args:
    query_features: one row a query.
    database_features: one row a database image.
    ground_truth: as in `evaluate`.
    max_rank: as in `evaluate`.
    recall_levels: as in `evaluate`.
    betas: as in `evaluate`.

  Returns:
    The metrics of `evaluate` without those of a Hamming distance, hd3p and
    nc3p.

  Raises:
    ValueError: features are not finite or do not fit the ground truth, or no
      query has a relevant row.
  """
  num_queries, size = ground_truth.num_queries, ground_truth.num_database
  relevance.check_rows("query_features", query_features, num_queries, "queries")
  relevance.check_rows(
    "database_features", database_features, size, "database rows"
  )
  _check_columns(query_features, database_features)
  protocol = averages.checked_protocol(
    max_rank,
    recall_levels,
    betas,
    relevance.num_ranked(ground_truth),
    has_lists=ground_truth.has_lists,
  )
  queries = _unit_rows("query_features", query_features)
  database = _unit_rows("database_features", database_features)
  blocks = (
    averages.ranking_scores(ties, protocol)
    for ties in _ties((queries, database), ground_truth)
  )
  return averages.summarize(blocks, protocol, num_queries)


def _check_columns(queries: ArrayLike, database: ArrayLike) -> None:
  if queries.ndim != 2 or queries.shape[1:] != database.shape[1:]:
    raise ValueError(
      f"query_features have the shape {list(queries.shape)} and "
      f"database_features {list(database.shape)}, but both must be matrices "
      "with the same number of columns: extract both with one backbone."
    )


def _unit_rows(name: str, features: ArrayLike) -> np.ndarray:
  rows = np.asarray(features, np.float32)
  unusable = np.flatnonzero(~np.isfinite(rows).all(1))
  if len(unusable):
    raise ValueError(
      f"{name} contain NaN or infinity, first in row {unusable[0]} "
      f"({len(unusable)} rows in all), but finite features are needed: leave "
      "these images out or extract them again."
    )
  return unit_length.unit_rows(rows)


@jax.jit
def _opposite_cosines(queries: Array, database: Array) -> Array:
  """Returns negative cosines: ascending, the nearest come first."""
  product = jnp.matmul(queries, database.T, precision=jax.lax.Precision.HIGHEST)
  return -product


def _ties(
  features: tuple[np.ndarray, np.ndarray], ground_truth: GroundTruth
) -> Iterator[Ties]:
  """Yields the ties of the queries of a block that have a relevant row."""
  labels = relevance.comparable_labels(ground_truth)
  database, database_labels = map(jnp.asarray, (features[1], labels[1]))
  size = len(features[1])
  height = max(1, min(TILE_QUERIES, SIMILARITIES_IN_BLOCK // size))
  share_label = jax.jit(relevance.relevance)
  num_ranked = size - ground_truth.num_ignored
  for start in range(0, len(features[0]), height):
    block = slice(start, start + height)
    opposite = np.array(_opposite_cosines(features[0][block], database))
    relevant = np.array(share_label(labels[0][block], database_labels))
    relevant[relevance.pairs(ground_truth.relevant, block)] = True
    ignored = relevance.pairs(ground_truth.ignored, block)
    opposite[ignored] = np.inf
    relevant[ignored] = False
    counts = relevant.any(1)
    yield _block_ties(
      opposite[counts], relevant[counts], num_ranked[block][counts]
    )


def _block_ties(
  opposite: np.ndarray, relevant: np.ndarray, num_ranked: np.ndarray
) -> Ties:
  """Returns the ties of a block, padded with empty groups at the end."""
  num_relevant = np.count_nonzero(relevant, axis=1)
  shape = (len(opposite), int(num_relevant.max(initial=1)))
  before = np.repeat(num_ranked[:, None], shape[1], axis=1)
  size = np.zeros(shape, np.int64)
  hits_before = np.repeat(num_relevant[:, None], shape[1], axis=1)
  hits = np.zeros(shape, np.int64)
  for i, (row, mask) in enumerate(zip(opposite, relevant)):
    found, counts = np.unique(row[mask], return_counts=True)
    row.sort()
    groups = slice(0, len(found))
    before[i, groups] = np.searchsorted(row, found, "left")
    size[i, groups] = np.searchsorted(row, found, "right") - before[i, groups]
    hits_before[i, groups] = np.cumsum(counts) - counts
    hits[i, groups] = counts
  return Ties(before, size, hits_before, hits, num_relevant)
