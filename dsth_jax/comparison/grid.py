"""The whole grid of a comparison: its variants, and their cells in order."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import humanize
import numpy as np
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
    refused: why methods cannot be measured, by their names.
  """

  name: str
  config: ConfigDict
  refused: Mapping[str, Exception]

  @property
  def methods(self) -> list[str]:
    """The methods that can be measured."""
    return [
      name for name in self.config.compare.methods if name not in self.refused
    ]


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
  named = config_lib.variants(config)
  if "" in named:
    _check(config, config.compare.methods, data)
    return [Variant("", config, {})]
  return [
    Variant(name, changed, _refused(changed, data))
    for name, changed in named.items()
  ]


def _refused(config: ConfigDict, data: Data) -> dict[str, Exception]:
  """Returns why methods of a variant cannot be measured, by their names."""
  methods_ = config.compare.methods
  try:
    config_lib.validate(config)
  except (ValueError, ImportError) as error:
    return dict.fromkeys(methods_, error)
  found: dict[str, Exception] = {}
  for name in methods_:
    try:
      _check(config, [name], data)
    except ValueError as error:
      found[name] = error
  return found


def measure(shared: Shared, wanted: Sequence[Variant]) -> Measured:
  """Measures every cell that is not current.

  Variants with the same features follow each other, so that these are read
  once. The first call for the inputs of a comparison without variants raises
  what its user can correct; a failure of a variant is the outcome of its cells.
  """
  planned = _in_order(shared, wanted)
  found = Measured([], {})
  seconds: dict[str, list[float]] = {}
  previous = None
  for number, (variant, cell) in enumerate(planned, 1):
    refusal = variant.refused.get(cell.method)
    if variant.name != previous and variant.methods:
      _add_ceiling(shared, variant, found.ceilings)
    previous = variant.name
    left = _time_left(
      seconds, [each.method for _, each in planned[number - 1 :]]
    )
    logging.info("Cell %d of %d: %s%s", number, len(planned), cell, left)
    start = time.perf_counter()
    outcome = (
      cells.outcome(shared, variant.config, cell)
      if refusal is None
      else cells.failed(cell, refusal)
    )
    if not shared.root.stages.get(cell.artifact, {"reused": True})["reused"]:
      taken = time.perf_counter() - start
      seconds.setdefault(cell.method, []).append(taken)
    found.outcomes.append(outcome)
  return found


def _check(config: ConfigDict, names: Sequence[str], data: Data) -> None:
  """Refuses, before any work, methods that could not be fitted."""
  methods.check(config, names, data)
  for cell in cells.plan(config):
    if cell.method in names and cell.method in config_lib.DSTH_METHODS:
      data_lib.check_training_size(cells.cell_config(config, cell), data)


def _in_order(
  shared: Shared, wanted: Sequence[Variant]
) -> list[tuple[Variant, cells.Cell]]:
  """Returns all cells; those with the same features follow each other."""
  able = [variant for variant in wanted if variant.methods]
  for variant in able:
    shared.expect(variant.config, variant.methods)
  able.sort(key=lambda variant: shared.group(variant.config))
  refused = [variant for variant in wanted if not variant.methods]
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


def _time_left(
  seconds: Mapping[str, Sequence[float]], methods_left: Sequence[str]
) -> str:
  """Returns how long the other cells take, if they are as those before.

  Args:
    seconds: of the cells that were measured, by method.
    methods_left: of each of the other cells; one that was not measured yet is
      taken for a mean one.
  """
  if not seconds:
    return ""
  means = {method: np.mean(taken) for method, taken in seconds.items()}
  usual = np.mean([*means.values()])
  expected = sum(means.get(method, usual) for method in methods_left)
  return f", about {humanize.naturaldelta(float(expected))} left"
