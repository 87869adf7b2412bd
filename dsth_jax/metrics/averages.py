"""The metrics of a ranking, and their averages over the queries."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from dsth_jax.metrics import (
  average_precision,
  curves,
  trapezium_average_precision,
)
from dsth_jax.metrics.average_precision import Bracket, Ties

# Written as JSON: numbers, and lists for the curves and their grids.
Metrics = dict[str, float | int | list[float] | list[int]]
# A row for each query, so that an average is one mean: Float[q] or Float[q grid].
Scores = dict[str, np.ndarray]


class Protocol(NamedTuple):
  """The parameters of the metrics.

  Attributes:
    max_rank: K of mean_average_precision_at_K and the end of the RIP curve.
    recall_levels: of the RP curve.
    betas: of the F-measures.
    num_database: database rows that a query is ranked against.
    has_lists: the ground truth is of lists, whose publishers count average
      precision by trapeziums.
  """

  max_rank: int
  recall_levels: tuple[float, ...]
  betas: tuple[float, ...]
  num_database: int
  has_lists: bool

  def levels(self) -> tuple[float, ...]:
    """Returns the levels of recall that precision is measured at."""
    return tuple(sorted({*self.recall_levels, *curves.MAX_F_LEVELS}))

  def returned(self) -> np.ndarray:
    """Returns the grid of the RIP curve."""
    return curves.returned_images(min(self.max_rank, self.num_database))


def checked_protocol(
  max_rank: int,
  recall_levels: Sequence[float],
  betas: Sequence[float],
  num_database: int,
  *,
  has_lists: bool,
) -> Protocol:
  """Returns the protocol.

  Raises:
    ValueError: a parameter is out of range.
  """
  if max_rank < 1:
    raise ValueError(
      f"max_rank is {max_rank}, but ranks start at 1: pass a rank to stop at."
    )
  if not recall_levels or not all(0 < level <= 1 for level in recall_levels):
    raise ValueError(
      f"recall_levels are {list(recall_levels)}, but levels above 0 and at "
      "most 1 are needed: pass shares of the relevant images."
    )
  if not all(beta > 0 for beta in betas):
    raise ValueError(
      f"betas are {list(betas)}, but each must be above 0: pass 1 for "
      "equal weights of precision and recall, less to favor precision."
    )
  return Protocol(
    max_rank, tuple(recall_levels), tuple(betas), num_database, has_lists
  )


def ranking_scores(ties: Ties, protocol: Protocol) -> Scores:
  """Returns the metrics of every query that depend only on the ranking."""
  at = f"mean_average_precision_at_{protocol.max_rank}"
  published = {}
  if protocol.has_lists:
    found = trapezium_average_precision.trapezium_average_precision(ties)
    published = _bracketed("map_trapezium", found)
  return {
    **_bracketed(
      "mean_average_precision", average_precision.average_precision(ties)
    ),
    **_bracketed(
      at, average_precision.average_precision_at(ties, protocol.max_rank)
    ),
    **published,
    "precision_at_recall": curves.precision_at_recall(ties, protocol.levels()),
    "precision_of_returned": curves.precision_of_returned(
      ties, protocol.returned()
    ),
  }


def summarize(
  blocks: Iterable[Scores], protocol: Protocol, num_queries: int
) -> Metrics:
  """Averages the scores of the queries that have a relevant item.

  Args:
    blocks: the scores of these queries, in parts.
    protocol: of all parts.
    num_queries: the number of all queries, with or without a relevant item.

  Raises:
    ValueError: no query has a relevant item.
  """
  parts = [block for block in blocks if len(block["mean_average_precision"])]
  if not parts:
    raise ValueError(
      f"none of the {num_queries} queries has a relevant database row: check "
      "that both sides use the same classes, or that the lists are those of "
      "these queries."
    )
  scores = {
    name: np.concatenate([part[name] for part in parts]) for name in parts[0]
  }
  num_measured = len(scores["mean_average_precision"])
  means = {name: np.mean(each, axis=0) for name, each in scores.items()}
  precision = dict(zip(protocol.levels(), means["precision_at_recall"]))
  means["precision_at_recall"] = np.array(
    [precision[level] for level in protocol.recall_levels]
  )
  return {
    "num_queries": num_queries,
    "num_queries_without_relevant": num_queries - num_measured,
    "num_database": protocol.num_database,
    **{name: mean.tolist() for name, mean in means.items()},
    "recall_levels": list(protocol.recall_levels),
    "returned_images": protocol.returned().tolist(),
    **_max_f_measures(precision, protocol),
  }


def _bracketed(name: str, bracket: Bracket) -> Scores:
  return {
    name: bracket.expected,
    f"{name}_pessimistic": bracket.pessimistic,
    f"{name}_optimistic": bracket.optimistic,
  }


def _max_f_measures(
  precision: dict[float, float], protocol: Protocol
) -> dict[str, float]:
  """Returns the paper's maxima, then those over the whole RP curve."""
  levels_by_prefix = {
    "max_f": curves.MAX_F_LEVELS,
    "max_f_all_levels": protocol.recall_levels,
  }
  return {
    f"{prefix}_beta_{beta:g}": curves.max_f_measure(
      np.array([precision[level] for level in levels]),
      np.array(levels),
      beta=beta,
    )
    for prefix, levels in levels_by_prefix.items()
    for beta in protocol.betas
  }
