"""Average precision of a ranking with ties, in closed form.

A ranking is a row of groups, nearest first. The items of a group are ties:
equally far, in no order. A metric is therefore the mean over all their orders,
each as likely, reported with the lowest and the highest value.
"""

import functools
from typing import NamedTuple

import numpy as np
import scipy.special
from jaxtyping import Float, Int


class Ties(NamedTuple):
  """The groups of equally far items of every query's ranking, nearest first.

  Groups without a relevant item may be left out, but a query needs one group.
  A padding group has size 0 and is at the end of the ranking.

  Attributes:
    before: items before the group.
    size: items in the group.
    hits_before: relevant items before the group.
    hits: relevant items in the group.
    num_relevant: all relevant items of the query, at least one.
  """

  before: Int[np.ndarray, "q g"]
  size: Int[np.ndarray, "q g"]
  hits_before: Int[np.ndarray, "q g"]
  hits: Int[np.ndarray, "q g"]
  num_relevant: Int[np.ndarray, "q"]


class Bracket(NamedTuple):
  """A metric of every query over all orders of equally far items.

  Attributes:
    expected: the mean.
    pessimistic: the lowest.
    optimistic: the highest.
  """

  expected: Float[np.ndarray, "..."]
  pessimistic: Float[np.ndarray, "..."]
  optimistic: Float[np.ndarray, "..."]


def average_precision(ties: Ties) -> Bracket:
  """Average precision over all ranks.

      AP = 1/R sum over relevant items of (hits up to it) / (its rank)

  Lowest with all irrelevant items of a group first, highest with all relevant
  ones first.

  Returns:
    `Bracket` of Float[q].

  References:
    McSherry and Najork, Computing information retrieval performance measures
    efficiently in the presence of tied scores, ECIR 2008, section 3.
  """
  sums = precision_sums(*ties[:4])
  return Bracket(*(part.sum(1) / ties.num_relevant for part in sums))


def average_precision_at(ties: Ties, max_rank: int) -> Bracket:
  """Average precision over the first K ranks, divided by the hits in them.

  A query without a hit in the first K counts 0. Of the group that straddles
  rank K only t items are returned; the number x of relevant ones among them is
  hypergeometric, and for each x the closed form of all ranks holds:

      E AP@K = sum_x P(x) (S + S(x)) / (H + x)

  with S and H the precisions and hits of the groups before.

  Because of the division, more hits do not guarantee a higher AP@K: the bounds
  are taken over all x.

  Args:
    ties: the rankings.
    max_rank: K; above the size of the database it means all ranks.

  Returns:
    `Bracket` of Float[q].
  """
  before, size, hits_before, hits = ties[:4]
  whole = before + size <= max_rank
  whole_sums = [
    np.where(whole, part, 0.0).sum(1, keepdims=True)
    for part in precision_sums(before, size, hits_before, hits)
  ]
  whole_hits = np.where(whole, hits, 0).sum(1, keepdims=True)
  # At most one group straddles; without one, all of these are 0.
  straddling = (before < max_rank) & ~whole
  start, tied, relevant = (
    np.where(straddling, part, 0).sum(1, keepdims=True)
    for part in (before, size, hits)
  )
  taken = np.where(straddling.any(1, keepdims=True), max_rank - start, 0)
  most = np.minimum(relevant, taken)
  drawn = np.arange(most.max(initial=0) + 1)[None, :]
  possible = (drawn <= most) & (drawn >= taken - (tied - relevant))
  # An impossible draw is computed as the largest possible one, then left out.
  drawn = np.minimum(drawn, most)
  chances = _hypergeometric(drawn, tied, relevant, taken, possible)
  parts = precision_sums(start, taken, whole_hits, drawn)
  expected, lowest, highest = (
    (whole_sum + part) / np.maximum(whole_hits + drawn, 1)
    for whole_sum, part in zip(whole_sums, parts)
  )
  return Bracket(
    np.sum(chances * expected, axis=1),
    np.min(lowest, axis=1, where=possible, initial=1.0),
    np.max(highest, axis=1, where=possible, initial=0.0),
  )


def precision_sums(
  before: np.ndarray,
  size: np.ndarray,
  hits_before: np.ndarray,
  hits: np.ndarray,
) -> Bracket:
  """Sums the precisions at the relevant items of every group.

  The i-th item of a group of n with r hits is relevant with chance r/n, and
  then each of the i - 1 before it with chance (r - 1)/(n - 1):

      sum_i r/n (H + 1 + (i - 1) (r - 1)/(n - 1)) / (N + i)

  With all hits directly after M items the sum is

      sum_j (H + j) / (M + j) = r + (H - M) sum_j 1 / (M + j)
  """
  reciprocals = harmonic(before, size)
  share = hits / np.maximum(size, 1)
  pairs = share * (hits - 1) / np.maximum(size - 1, 1)
  firsts = share * (hits_before + 1) * reciprocals
  seconds = pairs * (size - (before + 1) * reciprocals)
  late = before + size - hits
  return Bracket(
    firsts + seconds,
    hits + (hits_before - late) * harmonic(late, hits),
    hits + (hits_before - before) * harmonic(before, hits),
  )


def harmonic(before: np.ndarray, size: np.ndarray) -> np.ndarray:
  """Returns 1 / (before + 1) + ... + 1 / (before + size)."""
  table = _harmonic_numbers(_table_size(before, size))
  return table[before + size] - table[before]


def _hypergeometric(
  drawn: np.ndarray,
  tied: np.ndarray,
  relevant: np.ndarray,
  taken: np.ndarray,
  possible: np.ndarray,
) -> np.ndarray:
  """Returns the chance of `drawn` relevant ones among `taken` of `tied`."""
  table = _log_factorials(_table_size(tied))

  def log_choose(total: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    chosen = np.clip(chosen, 0, total)
    return table[total] - table[chosen] - table[total - chosen]

  logs = log_choose(relevant, drawn) + log_choose(
    tied - relevant, taken - drawn
  )
  weights = np.where(possible, np.exp(logs - log_choose(tied, taken)), 0.0)
  # Their sum is one, except for the rounding of large logarithms.
  return weights / weights.sum(1, keepdims=True)


def _table_size(*parts: np.ndarray) -> int:
  """Returns a power of two above the sum, so that few tables are made."""
  largest = sum(int(part.max(initial=0)) for part in parts)
  return 1 << (largest + 1).bit_length()


@functools.lru_cache(maxsize=4)
def _harmonic_numbers(size: int) -> np.ndarray:
  return np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, size))])


@functools.lru_cache(maxsize=4)
def _log_factorials(size: int) -> np.ndarray:
  return scipy.special.gammaln(np.arange(1, size + 1, dtype=np.float64))
