"""Average precision as the programs of Oxford Buildings and Holidays count it.

Both take the area under the precision-recall curve by trapeziums. It differs
from `average_precision`, which takes rectangles under the right ends: a relevant
item counts the mean of the precision before it and after it. A ranking with all
relevant items first has 1 in both.
"""

import numpy as np

from dsth_jax.metrics.average_precision import (
  Bracket,
  Ties,
  harmonic,
  precision_sums,
)


def trapezium_average_precision(ties: Ties) -> Bracket:
  """Area under the precision-recall curve by the rule of the trapezium.

      AP = 1/R sum over relevant items of (h / (k - 1) + (h + 1) / k) / 2

  with k the rank of the item and h the hits before it; at rank 1, where nothing
  is before it, the first term is 1. Ignored items (junk, the query itself) are
  not in the ranking.

  Equal distances are ties, in no order, and the programs would score any one
  order. Here, as for every metric, the value is the mean over all of their
  orders, in closed form; the lowest has all irrelevant items of a group first,
  the highest all relevant ones, since the term of a relevant item falls with
  its rank.

  Args:
    ties: the rankings.

  Returns:
    `Bracket` of Float[q].

  References:
    compute_ap.cpp of Philbin et al., Object retrieval with large vocabularies
    and fast spatial matching, CVPR 2007; holidays_map.py of Jegou et al.,
    Hamming embedding and weak geometric consistency, ECCV 2008.
  """
  after = precision_sums(*ties[:4])
  before = _precision_sums_before(*ties[:4])
  return Bracket(
    *((a + b).sum(1) / (2 * ties.num_relevant) for a, b in zip(after, before))
  )


def _precision_sums_before(
  before: np.ndarray,
  size: np.ndarray,
  hits_before: np.ndarray,
  hits: np.ndarray,
) -> Bracket:
  """Sums the precision just before the relevant items of every group.

  As in `average_precision.precision_sums`, with one item less: the i-th item of
  a group of n with r hits is relevant with chance r/n, which gives

      sum_i r/n (H + (i - 1) (r - 1)/(n - 1)) / (N + i - 1)

  Where nothing is before the group, N = H = 0, its first item counts 1 if it is
  relevant, and all others (r - 1)/(n - 1): in sum r^2/n.

  With all hits directly after M items the sum is

      r + (H - M) sum_j 1 / (M + j - 1)
  """
  reciprocals = _harmonic_before(before, size)
  share = hits / np.maximum(size, 1)
  pairs = share * (hits - 1) / np.maximum(size - 1, 1)
  late = before + size - hits
  return Bracket(
    np.where(
      before > 0,
      share * hits_before * reciprocals + pairs * (size - before * reciprocals),
      share * hits,
    ),
    hits + (hits_before - late) * _harmonic_before(late, hits),
    hits + (hits_before - before) * _harmonic_before(before, hits),
  )


def _harmonic_before(before: np.ndarray, size: np.ndarray) -> np.ndarray:
  """Returns 1 / N + ... + 1 / (N + size - 1); the factor of N = 0 is 0."""
  return harmonic(np.maximum(before - 1, 0), size)
