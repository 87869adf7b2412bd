"""The whole grid of a comparison: its variants, and their cells in order."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import humanize
from absl import logging
from ml_collections import ConfigDict

from dsth_jax import config as config_lib
from dsth_jax.comparison import cells
from dsth_jax.comparison.shared import Shared
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import methods
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.evaluation import Metrics


class Variant(NamedTuple):
  """One of the settings that are compared.

  Attributes:
    name: "" where there are no variants.
    config: its settings.
    refusal: why it cannot be measured; None if it can.
  """

  name: str
  config: ConfigDict
  refusal: Exception | None = None


class Measured(NamedTuple):
  """What a comparison has found.

  Attributes:
    outcomes: of all cells.
    ceilings: metrics of the features' cosine, by variant; those that failed are
      left out.
  """

  outcomes: list[cells.Outcome]
  ceilings: dict[str, Metrics]


def variants(config: ConfigDict, data: Data) -> list[Variant]:
  """Returns the variants of a comparison, each checked before any work.

  Raises:
    ValueError: without variants, the configuration cannot be measured.
  """
  found = []
  for name, changed in config_lib.variants(config).items():
    refusal = None
    try:
      if name:
        config_lib.validate(changed)
      _check(changed, data)
    except (ValueError, ImportError) as error:
      if not name:
        raise
      refusal = error
    found.append(Variant(name, changed, refusal))
  return found


def measure(shared: Shared, wanted: Sequence[Variant]) -> Measured:
  """Measures every cell that is not current.

  Variants with the same features follow each other, so that these are read
  once. The first call for the inputs of a comparison without variants raises
  what its user can correct; a failure of a variant is the outcome of its cells.
  """
  planned = _in_order(shared, wanted)
  found = Measured([], {})
  seconds: list[float] = []
  previous = None
  for number, (variant, cell) in enumerate(planned, 1):
    if variant.name != previous and variant.refusal is None:
      _add_ceiling(shared, variant, found.ceilings)
    previous = variant.name
    left = _time_left(seconds, len(planned) - number + 1)
    logging.info("Cell %d of %d: %s%s", number, len(planned), cell, left)
    start = time.perf_counter()
    outcome = (
      cells.outcome(shared, variant.config, cell)
      if variant.refusal is None
      else cells.failed(cell, variant.refusal)
    )
    if not shared.root.stages.get(cell.artifact, {"reused": True})["reused"]:
      seconds.append(time.perf_counter() - start)
    found.outcomes.append(outcome)
  return found


def _check(config: ConfigDict, data: Data) -> None:
  """Refuses, before any work, what could not be fitted."""
  methods.check(config, config.compare.methods, data)
  for cell in cells.plan(config):
    if cell.method in config_lib.DSTH_METHODS:
      data_lib.check_training_size(cells.cell_config(config, cell), data)


def _in_order(
  shared: Shared, wanted: Sequence[Variant]
) -> list[tuple[Variant, cells.Cell]]:
  """Returns all cells; those with the same features follow each other."""
  able = [variant for variant in wanted if variant.refusal is None]
  for variant in able:
    shared.expect(variant.config, variant.config.compare.methods)
  able.sort(key=lambda variant: shared.group(variant.config))
  refused = [variant for variant in wanted if variant.refusal is not None]
  return [
    (variant, cell)
    for variant in [*refused, *able]
    for cell in cells.plan(variant.config, variant.name)
  ]


def _add_ceiling(
  shared: Shared, variant: Variant, ceilings: dict[str, Metrics]
) -> None:
  try:
    ceilings[variant.name] = cells.ceiling(shared, variant.config)
  except Exception as error:
    if not variant.name:
      raise
    # The cells of the variant need the same features, and report it.
    logging.error("The features of %s failed: %s", variant.name, error)


def _time_left(seconds: Sequence[float], num_left: int) -> str:
  """Returns how long the other cells take, if they are as those before."""
  if not seconds:
    return ""
  expected = num_left * sum(seconds) / len(seconds)
  return f", about {humanize.naturaldelta(expected)} left"
