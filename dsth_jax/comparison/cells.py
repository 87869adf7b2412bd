"""One cell of a comparison: a method of a variant at a length with a seed."""

import traceback
from collections.abc import Iterator
from typing import Any, NamedTuple

from absl import logging
from ml_collections import ConfigDict

from dsth_jax import config as config_lib
from dsth_jax.comparison import measurement
from dsth_jax.comparison.shared import Shared
from dsth_jax.pipeline import dsth, methods
from dsth_jax.pipeline.evaluation import Metrics
from dsth_jax.pipeline.inputs import Inputs
from dsth_jax.pipeline.workdir import Dependency, settings
from dsth_jax.runtime.artifacts import Artifact

# Of a cell: `metrics`, `statistics` (of the database) and times, or an `error`.
Outcome = dict[str, Any]


class Cell(NamedTuple):
  """What is measured at once; the variant is "" where there are none."""

  variant: str
  method: str
  num_bits: int
  seed: int

  def __str__(self) -> str:
    variant = f"{self.variant}/" if self.variant else ""
    return f"{variant}{self.method}-{self.num_bits}-{self.seed}"

  @property
  def artifact(self) -> str:
    """Names the artifact of its figures."""
    return f"{'variants' if self.variant else 'cells'}/{self}"

  def named(self) -> dict[str, Any]:
    """Returns its fields by name; the variant only where it has one."""
    fields = self._asdict()
    if not self.variant:
      del fields["variant"]
    return fields


def plan(config: ConfigDict, variant: str = "") -> Iterator[Cell]:
  """Yields all cells of a configuration or of a variant's, seed by seed."""
  for seed in config.compare.seeds:
    for num_bits in config.compare.num_bits:
      for method in config.compare.methods:
        yield Cell(variant, method, num_bits, seed)


def cell_config(config: ConfigDict, cell: Cell) -> ConfigDict:
  """Returns the settings of a run that makes a cell's codes."""
  config = config.copy_and_resolve_references()
  config.num_bits, config.seed = cell.num_bits, cell.seed
  if cell.method in config_lib.DSTH_METHODS:
    return config_lib.dsth_settings(config, cell.method)
  return config


def outcome(shared: Shared, config: ConfigDict, cell: Cell) -> Outcome:
  """Returns a cell's figures, measured unless they are current.

  A method may fail in any way: a sentence takes the figures' place, and the
  next call tries again.

  Args:
    shared: by all cells.
    config: of the cell's variant.
    cell: what is measured.
  """
  measure = _dsth_cell if cell.method in config_lib.DSTH_METHODS else _cell
  try:
    inputs = shared.inputs(config)
    found = measure(shared, cell_config(config, cell), inputs, cell)
    figures = found.json("outcome")
  except Exception as error:
    logging.debug("%s", traceback.format_exc())
    return failed(cell, error)
  score = figures["metrics"]["mean_average_precision"]
  logging.info("%s: mAP over all ranks %.3f", cell, score)
  return {**cell.named(), "error": None, **figures}


def failed(cell: Cell, error: Exception) -> Outcome:
  """Returns the outcome of a cell that has no figures, and says why."""
  text = " ".join(str(error).split())
  if not (isinstance(error, ValueError) and text):
    text = f"{type(error).__name__}: {text}"
  logging.error("%s failed: %s", cell, text)
  return {**cell.named(), "error": text}


def ceiling(shared: Shared, config: ConfigDict) -> Metrics:
  """Returns the figures of the features' cosine, which codes aim at."""
  inputs = shared.inputs(config)
  return (
    shared.features_workdir(config)
    .artifact(
      "cells/cosine",
      [*inputs.depends_on("features"), *_protocol_settings(config)],
      measurement.measure_features(config, inputs),
    )
    .json("outcome")
  )


def _cell(
  shared: Shared, config: ConfigDict, inputs: Inputs, cell: Cell
) -> Artifact:
  """Measures a baseline."""
  return shared.root.artifact(
    cell.artifact,
    [
      *methods.depends_on(config, inputs, cell.method),
      *_protocol_settings(config),
      settings(config, "num_bits", "seed"),
    ],
    measurement.measure_baseline(
      config,
      inputs,
      methods.seen(config, cell.method),
      lambda: methods.fitting(config, inputs, cell.method),
    ),
  )


def _dsth_cell(
  shared: Shared, config: ConfigDict, inputs: Inputs, cell: Cell
) -> Artifact:
  """Makes DSTH's codes as a run does; its kinds cut one embedding."""
  workdirs = shared.workdirs(config, cell.method)
  stages = dsth.fit(workdirs, config, inputs)
  return shared.root.artifact(
    cell.artifact,
    [stages.codes, stages.hash_function, *_protocol_settings(config)],
    measurement.measure_dsth(
      config,
      inputs,
      stages,
      measurement.fit_seconds(
        workdirs, config, len(inputs.data.splits.training)
      ),
    ),
  )


def _protocol_settings(config: ConfigDict) -> list[Dependency]:
  return [settings(config, "compare.num_queries", "eval.max_rank")]
