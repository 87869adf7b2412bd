"""The curves' means over ties, their grid and the F-measure of the paper."""

import numpy as np
import pytest
import scipy.stats
from support import published_tables

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


# The F columns and the precisions have five digits. Some F are cut, not rounded.
DIGITS = 1e-5


def _disagreeing(table, levels=published_tables.RECALL_LEVELS):
  """Returns (row, beta) wherever an F does not follow from the precisions."""
  places = [published_tables.RECALL_LEVELS.index(level) for level in levels]
  return [
    (name, beta)
    for name, (precision, printed) in table.items()
    for beta, expected in zip(published_tables.BETAS, printed)
    if abs(
      metrics.max_f_measure(
        np.array(precision)[places], np.array(levels), beta=beta
      )
      - expected
    )
    > DIGITS
  ]


def test_max_f_measures_of_table_3_follow_from_its_six_levels():
  # 0.66769 is printed where the row gives 0.66308.
  contradiction = ("CIFAR-10, GoogLeNet, MLP+BatchNorm", 0.5)
  assert len(published_tables.TABLE_3) == 32
  assert _disagreeing(published_tables.TABLE_3) == [contradiction]


def test_max_f_measures_of_table_4_follow_from_its_six_levels():
  assert len(published_tables.TABLE_4) == 4
  assert _disagreeing(published_tables.TABLE_4) == []


def test_rows_without_labels_are_those_of_table_3():
  for name in ("CIFAR-10", "STL-10"):
    row = published_tables.TABLE_4[f"{name}, without-labels"]
    assert (
      row == published_tables.TABLE_3[f"{name}, GoogLeNet, Slice+BatchNorm"]
    )


@pytest.mark.parametrize("level", [0.1, 0.2, 0.4, 0.6, 1.0])
def test_table_3_needs_each_level_that_reaches_its_maxima(level):
  levels = [each for each in curves.MAX_F_LEVELS if each != level]
  assert len(_disagreeing(published_tables.TABLE_3, levels)) > 1


def test_precision_never_rises_with_recall_in_the_published_tables():
  # Catches errors of transcription at levels that no maximum is reached at.
  tables = published_tables.TABLE_3 | published_tables.TABLE_4
  for name, (precision, _) in tables.items():
    assert (np.diff(precision) <= 0).all(), name


def test_the_levels_of_the_paper_are_those_of_its_tables():
  assert curves.MAX_F_LEVELS == published_tables.RECALL_LEVELS
