"""The curves' means over ties, their grid and the F-measure of the paper."""

import numpy as np
import pytest
import scipy.stats

from dsth_jax import metrics
from dsth_jax.metrics import curves


def test_returned_images_is_a_rising_grid():
  for max_rank in (1, 2, 9, 10, 360, 1000):
    grid = curves.returned_images(max_rank)
    assert (np.diff(grid) > 0).all()
    assert (grid[0], grid[-1]) == (1, max_rank)
  assert {1, 10, 100, 1000} <= set(grid.tolist())


@pytest.mark.parametrize(
  ("before", "order", "size", "hits"),
  [
    (0, 1, 1, 1),
    (0, 1, 2, 1),
    (7, 3, 20, 3),
    (0, 1, 50_000, 1),  # the slowest continued fraction: z = 1, all ranks even
    (0, 1, 50_000, 2),
    (0, 300, 5_000, 500),
    (40_000, 3, 9_000, 4),
    (12, 2_500, 25_000, 5_000),
  ],
)
def test_mean_reciprocal_rank_is_the_negative_hypergeometric_sum(
  before, order, size, hits
):
  irrelevant = np.arange(size - hits + 1)
  chances = scipy.stats.betabinom.pmf(
    irrelevant, size - hits, order, hits - order + 1
  )
  expected = np.sum(chances / (before + order + irrelevant))
  arguments = (np.array([[x]]) for x in (before, order, size, hits))
  found = curves._mean_reciprocal(*arguments).item()
  # The rounding of the log-gammas behind scipy's chances.
  assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
  ("precision", "expected"),
  [
    # Table III, precision at recall 0.1 .. 1, then max F at beta 0.5 and 0.25.
    # (Of its 32 rows only GoogLeNet, MLP+BatchNorm on CIFAR-10 contradicts
    # itself: 0.66769 where its own columns give 0.66308.)
    (
      [0.88767, 0.84391, 0.75071, 0.65969, 0.58496, 0.52461],
      (0.64682, 0.71389),
    ),
    (
      [0.94169, 0.89300, 0.79224, 0.68560, 0.59855, 0.59855],
      (0.66658, 0.74904),
    ),
    (
      [0.81520, 0.71389, 0.57970, 0.49731, 0.43375, 0.39043],
      (0.53190, 0.62016),
    ),
    (
      [0.59888, 0.47894, 0.35179, 0.30677, 0.26113, 0.24565],
      (0.37448, 0.46301),
    ),
    ([0.1] * 6, (0.12195, 0.10559)),
  ],
)
def test_max_f_measure_reproduces_table_3(precision, expected):
  recall = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 1.0])
  found = [
    metrics.max_f_measure(np.array(precision), recall, beta=beta)
    for beta in (0.5, 0.25)
  ]
  # The table and its precisions have five digits.
  np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
