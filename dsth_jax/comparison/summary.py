"""From cells to what is shown: the mean and the spread over the seeds."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from dsth_jax.comparison.cells import Outcome
from dsth_jax.comparison.grid import Measured, Variant
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import methods
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.workdir import environment
from dsth_jax.report.comparison.results import (
  ComparisonResults,
  VariantResults,
)

_Figure = int | float

# Where a curve is measured, not what.
_GRIDS = ("recall_levels", "returned_images")


def summarize(
  config: ConfigDict,
  data: Data,
  variants: Sequence[Variant],
  measured: Measured,
) -> ComparisonResults | VariantResults:
  """Returns what `comparison.json` holds.

  Args:
    config: of the comparison.
    data: with the queries that were asked.
    variants: in the order in which they are shown.
    measured: all cells, and the metrics of the features' cosine.

  Returns:
    * summary: what was compared on what, and for each of the `methods` the
      `network` that it trains, what it has `learned_from`, and `num_labels`;
    * ceiling: metrics of the features' cosine;
    * methods: by method and number of bits (text, since JSON knows no other
      names), what `over_seeds` gives;
    * failed: the cells without figures, and why;
    * environment: of this machine.

    A comparison of variants has `variants` in place of the ceiling and the
    methods: by name, the `settings` that were changed, the `backbone`, the
    `ceiling` (empty if it failed), `about` its methods as in the summary, and
    `methods` as above. Of a failed cell, `variant` is given too.
  """
  compare = config.compare
  lengths = sorted(
    {bits for each in variants for bits in each.config.compare.num_bits}
  )
  summary = {
    **data_lib.describe(config, data),
    "num_bits": lengths,
    "seeds": list(compare.seeds),
  }
  failed = [found for found in measured.outcomes if found["error"] is not None]
  if not compare.variants:
    return {
      "summary": {**summary, "methods": _about(config, compare.methods, data)},
      "ceiling": measured.ceilings[""],
      "methods": _methods(config, measured.outcomes),
      "failed": failed,
      "environment": environment(),
    }
  del summary["backbone"]
  return {
    "summary": summary,
    "variants": {
      each.name: _variant(config, data, each, measured) for each in variants
    },
    "failed": failed,
    "environment": environment(),
  }


def _variant(
  config: ConfigDict, data: Data, variant: Variant, measured: Measured
) -> dict[str, Any]:
  outcomes = [
    found for found in measured.outcomes if found["variant"] == variant.name
  ]
  return {
    "settings": dict(config.compare.variants[variant.name]),
    "backbone": data_lib.describe(variant.config, data)["backbone"],
    "ceiling": measured.ceilings.get(variant.name, {}),
    "about": _about(variant.config, variant.methods, data),
    "methods": _methods(variant.config, outcomes),
  }


def _about(
  config: ConfigDict, names: Sequence[str], data: Data
) -> dict[str, Any]:
  """Says what each method trains and what it has learned from."""
  return {
    name: {
      "network": methods.network(config, name),
      "learned_from": methods.learned_from(config, name),
      "num_labels": methods.num_labels(config, name, data),
    }
    for name in names
  }


def _methods(config: ConfigDict, outcomes: Sequence[Outcome]) -> dict[str, Any]:
  """Returns the figures of each method at each number of bits."""
  return {
    method: {
      str(num_bits): over_seeds(
        [
          found
          for found in outcomes
          if (found["method"], found["num_bits"]) == (method, num_bits)
        ]
      )
      for num_bits in config.compare.num_bits
    }
    for method in config.compare.methods
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
