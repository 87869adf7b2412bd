"""From cells to what is shown: the mean and the spread over the seeds."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from dsth_jax.comparison.cells import Outcome
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import methods
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.evaluation import Metrics
from dsth_jax.pipeline.workdir import environment
from dsth_jax.report.comparison.results import ComparisonResults

_Figure = int | float

# Where a curve is measured, not what.
_GRIDS = ("recall_levels", "returned_images")


def summarize(
  config: ConfigDict, data: Data, ceiling: Metrics, outcomes: Sequence[Outcome]
) -> ComparisonResults:
  """Returns what `comparison.json` holds.

  Args:
    config: of the comparison.
    data: with the queries that were asked.
    ceiling: metrics of the features' cosine.
    outcomes: of all cells.

  Returns:
    * summary: what was compared on what, and for each of the `methods` the
      `network` that it trains, what it has `learned_from`, and `num_labels`;
    * ceiling: as given;
    * methods: by method and number of bits (text, since JSON knows no other
      names), what `over_seeds` gives;
    * failed: the cells without figures, and why;
    * environment: of this machine.
  """
  compare = config.compare
  return {
    "summary": {
      **data_lib.describe(config, data),
      "num_bits": sorted(compare.num_bits),
      "seeds": list(compare.seeds),
      "methods": {
        name: {
          "network": methods.network(config, name),
          "learned_from": methods.learned_from(config, name),
          "num_labels": methods.num_labels(config, name, data),
        }
        for name in compare.methods
      },
    },
    "ceiling": ceiling,
    "methods": {
      method: {
        str(num_bits): over_seeds(
          [
            found
            for found in outcomes
            if (found["method"], found["num_bits"]) == (method, num_bits)
          ]
        )
        for num_bits in compare.num_bits
      }
      for method in compare.methods
    },
    "failed": [
      {name: found[name] for name in ("method", "num_bits", "seed", "error")}
      for found in outcomes
      if found["error"] is not None
    ],
    "environment": environment(),
  }


def over_seeds(outcomes: Sequence[Outcome]) -> dict[str, Any]:
  """Averages the finished outcomes of a method at a code length.

  Args:
    outcomes: of each seed; those with an error are left out.

  Returns:
    The `seeds` that are in, and the `mean` and `spread` of every figure: its
    sample's standard deviation (divided by the number of seeds less one), None
    of a single seed. Both are empty if no seed is in.
  """
  finished = [found for found in outcomes if found["error"] is None]
  figures = [_figures(found) for found in finished]
  return {
    "seeds": [found["seed"] for found in finished],
    "mean": _each(_mean, figures),
    "spread": _each(_spread, figures),
  }


def _figures(outcome: Outcome) -> dict[str, Any]:
  """Returns all that is averaged, times beside the metrics."""
  times = {name: outcome[name] for name in ("fit_seconds", "encode_seconds")}
  return {**outcome["metrics"], **times, "statistics": outcome["statistics"]}


def _each(
  average: Callable[[list[_Figure]], _Figure | None],
  figures: Sequence[dict[str, Any]],
) -> dict[str, Any]:
  """Averages every figure over the seeds that have it."""
  if not figures:
    return {}

  def of_known(*values: _Figure | None) -> _Figure | None:
    return average([value for value in values if value is not None])

  averaged = jax.tree.map(
    of_known, *figures, is_leaf=lambda value: value is None
  )
  return averaged | {grid: figures[0][grid] for grid in _GRIDS}


def _mean(values: list[_Figure]) -> _Figure | None:
  # What all seeds have in common stays the whole number that it may be.
  if len(set(values)) <= 1:
    return values[0] if values else None
  return float(np.mean(values))


def _spread(values: list[_Figure]) -> float | None:
  return float(np.std(values, ddof=1)) if len(values) > 1 else None
