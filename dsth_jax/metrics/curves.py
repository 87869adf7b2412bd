"""Precision at fixed recall (RP) and of the first returned images (RIP).

Both are means over all orders of equally far items, exactly.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from dsth_jax.metrics.average_precision import Ties

# Points of the precision curve between 1 and 10, 10 and 100, and so on.
POINTS_PER_DECADE = 8
# The levels of recall that the paper's maximum F-measures are of (Table III).
MAX_F_LEVELS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def precision_at_recall(
  ties: Ties, recall_levels: Sequence[float]
) -> Float[np.ndarray, "q levels"]:
  """Precision at the rank that reaches each level of recall (RP).

  The level L is reached at the t-th relevant item, t = ceil(L R). Let it be the
  s-th of the r relevant items in a group of n items, with N items before the
  group. The number Y of irrelevant items of the group before it is negative
  hypergeometric, and `_mean_reciprocal` returns the mean of the precision

      E t / (N + s + Y)

  Args:
    ties: the rankings.
    recall_levels: above 0, at most 1.

  Returns:
    Float[q levels].
  """
  # In floating point 0.7 * 10 is a little above 7; the target is 7.
  targets = np.ceil(
    np.asarray(recall_levels)[None, :] * ties.num_relevant[:, None] - 1e-9
  ).astype(np.int64)
  group = np.stack(
    [
      np.count_nonzero(ties.hits_before < target[:, None], axis=1) - 1
      for target in targets.T
    ],
    axis=1,
  )
  before, size, hits_before, hits = (
    np.take_along_axis(part, group, 1) for part in ties[:4]
  )
  return targets * _mean_reciprocal(before, targets - hits_before, size, hits)


def returned_images(max_rank: int) -> Int[np.ndarray, "grid"]:
  """Returns ranks from 1 to `max_rank`, evenly spaced in the logarithm."""
  num_points = int(np.log10(max_rank) * POINTS_PER_DECADE) + 1
  grid = 10.0 ** (np.arange(num_points) / POINTS_PER_DECADE)
  return np.unique(np.append(np.rint(grid), max_rank)).astype(np.int64)


def precision_of_returned(
  ties: Ties, returned: Int[np.ndarray, "grid"]
) -> Float[np.ndarray, "q grid"]:
  """Precision of the first N returned images (RIP).

      E = (H + r min(N - M, n) / n) / N

  The last group that begins before rank N has n items and r hits; before it
  are M items and H hits.

  Args:
    ties: the rankings.
    returned: N, at most the size of the database.

  Returns:
    Float[q grid].
  """
  group = np.stack(
    [np.count_nonzero(ties.before < rank, axis=1) for rank in returned], axis=1
  )
  before, size, hits_before, hits = (
    np.take_along_axis(part, np.maximum(group - 1, 0), 1) for part in ties[:4]
  )
  returned = returned[None, :]
  taken = np.clip(returned - before, 0, size)
  return (hits_before + hits * taken / np.maximum(size, 1)) / returned


def max_f_measure(
  precision: Float[np.ndarray, "levels"],
  recall: Float[np.ndarray, "levels"],
  *,
  beta: float,
) -> float:
  """Returns the largest F-measure over the levels of recall.

      F = (1 + beta^2) P R / (beta^2 P + R)

  Args:
    precision: averaged over the queries.
    recall: the level of each.
    beta: below 1, precision counts more.

  References:
    Table III: its two F columns follow from its recall columns, of
    `MAX_F_LEVELS`, in all rows but one.
  """
  weighted = beta**2 * precision + recall
  return float(np.max((1 + beta**2) * precision * recall / weighted))


def _mean_reciprocal(
  before: np.ndarray, order: np.ndarray, size: np.ndarray, hits: np.ndarray
) -> np.ndarray:
  """Returns the mean of 1 / rank of a group's s-th relevant item.

  Its rank is z + Y, z = N + s, and Y is beta-binomial over 0 .. M, M = n - r, the
  weight of the Hahn polynomials. The mean of 1 / (z + Y) is therefore a
  continued fraction of their recurrence, all of whose terms are positive:

      E 1/(z + Y) = 1/(z + A_0/(1 + C_1/(z + A_1/(1 + C_2/(z + ...)))))

      A_j = (j + r)(j + s)(M - j) / ((2j + r)(2j + r + 1))
      C_j = j (j + r + M)(j + r - s) / ((2j + r - 1)(2j + r))

  It ends at j = M, and reaches the precision of float64 long before: depth j is
  Gauss quadrature with j points, with an error of about exp(-4 j sqrt(z / M)).

  References:
    NIST DLMF 18.22(i) for A and C, 18.13 for the continued fraction.
  """
  # The products below overflow 64-bit integers at some million items.
  order, hits = order.astype(np.float64), hits.astype(np.float64)
  z, irrelevant = before + order, size - hits
  depth = np.minimum(np.ceil(8 * np.sqrt(irrelevant / z)) + 16, irrelevant)
  tail = z
  for j in range(int(depth.max(initial=0)) - 1, -1, -1):
    i = j + 1
    down = i * (i + hits + irrelevant) * (i + hits - order)
    down = down / ((2 * i + hits - 1) * (2 * i + hits))
    up = (j + hits) * (j + order) * np.maximum(irrelevant - j, 0)
    up = up / ((2 * j + hits) * (2 * j + hits + 1))
    tail = z + up / (1 + down / tail)
  return 1 / tail
