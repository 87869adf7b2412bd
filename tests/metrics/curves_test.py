"""The curves' means over ties, their grid and the F-measure of the paper."""

import numpy as np
import pytest
import scipy.stats

from dsth_jax import metrics
from dsth_jax.metrics import curves, evaluate_codes
from dsth_jax.paper import published
from dsth_jax.paper.results import Key


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


def _disagreeing(table, levels=curves.MAX_F_LEVELS):
  """Returns (key, beta) wherever an F does not follow from the precisions."""
  places = [curves.MAX_F_LEVELS.index(level) for level in levels]
  return [
    (key, beta)
    for key, printed in table.items()
    for beta in evaluate_codes.BETAS
    if abs(
      metrics.max_f_measure(
        np.array(printed["precision_at_recall"])[places],
        np.array(levels),
        beta=beta,
      )
      - printed[f"max_f_beta_{beta}"]
    )
    > DIGITS
  ]


def test_max_f_measures_of_table_3_follow_from_its_six_levels():
  # 0.66769 is printed where the row gives 0.66308.
  contradiction = Key(
    "cifar10", "googlenet", "mlp", "batchnorm", False, "dsth", 48
  )
  table = published.table("table3")
  assert len(table) == 32
  assert _disagreeing(table) == [(contradiction, 0.5)]


def test_max_f_measures_of_table_4_follow_from_its_six_levels():
  table = published.table("table4")
  assert len(table) == 4
  assert _disagreeing(table) == []


@pytest.mark.parametrize("level", [0.1, 0.2, 0.4, 0.6, 1.0])
def test_table_3_needs_each_level_that_reaches_its_maxima(level):
  levels = [each for each in curves.MAX_F_LEVELS if each != level]
  assert len(_disagreeing(published.table("table3"), levels)) > 1


@pytest.mark.parametrize("name", ["table3", "table4"])
def test_precision_never_rises_with_recall_in_the_published_tables(name):
  # Catches errors of transcription at levels that no maximum is reached at.
  for key, printed in published.table(name).items():
    assert (np.diff(printed["precision_at_recall"]) <= 0).all(), key


@pytest.mark.parametrize("name", ["table3", "table4"])
def test_the_levels_of_the_paper_are_those_of_its_tables(name):
  for printed in published.table(name).values():
    assert tuple(printed["recall_levels"]) == curves.MAX_F_LEVELS
