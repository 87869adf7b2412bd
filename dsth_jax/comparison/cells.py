"""One cell of a comparison: a method at a code length with a seed."""

import traceback
from collections.abc import Iterator
from typing import Any, NamedTuple

from absl import logging
from ml_collections import ConfigDict

from dsth_jax import config as config_lib
from dsth_jax.comparison import measurement
from dsth_jax.pipeline import dsth, methods
from dsth_jax.pipeline.evaluation import Metrics
from dsth_jax.pipeline.inputs import Inputs
from dsth_jax.pipeline.workdir import Dependency, Workdir, settings
from dsth_jax.runtime.artifacts import Artifact

# Of a cell: `metrics`, `statistics` (of the database) and times, or an `error`.
Outcome = dict[str, Any]


class Cell(NamedTuple):
  """What is measured at once."""

  method: str
  num_bits: int
  seed: int

  def __str__(self) -> str:
    return f"{self.method}-{self.num_bits}-{self.seed}"


def plan(config: ConfigDict) -> Iterator[Cell]:
  """Yields all cells, seed by seed."""
  for seed in config.compare.seeds:
    for num_bits in config.compare.num_bits:
      for method in config.compare.methods:
        yield Cell(method, num_bits, seed)


def cell_config(config: ConfigDict, cell: Cell) -> ConfigDict:
  """Returns the settings of a run that makes a cell's codes."""
  config = config.copy_and_resolve_references()
  config.num_bits, config.seed = cell.num_bits, cell.seed
  if cell.method in config_lib.DSTH_METHODS:
    return config_lib.dsth_settings(config, cell.method)
  return config


def outcome(
  workdir: Workdir, config: ConfigDict, inputs: Inputs, cell: Cell
) -> Outcome:
  """Returns a cell's figures, measured unless they are current.

  A method may fail in any way: a sentence takes the figures' place, and the
  next call tries again.
  """
  config = cell_config(config, cell)
  measure = _dsth_cell if cell.method in config_lib.DSTH_METHODS else _cell
  try:
    found = measure(workdir, config, inputs, cell).json("outcome")
  except Exception as error:
    text = " ".join(str(error).split())
    if not (isinstance(error, ValueError) and text):
      text = f"{type(error).__name__}: {text}"
    logging.error("%s failed: %s", cell, text)
    logging.debug("%s", traceback.format_exc())
    return {**cell._asdict(), "error": text}
  score = found["metrics"]["mean_average_precision"]
  logging.info("%s: mAP over all ranks %.3f", cell, score)
  return {**cell._asdict(), "error": None, **found}


def ceiling(workdir: Workdir, config: ConfigDict, inputs: Inputs) -> Metrics:
  """Returns the figures of the features' cosine, which codes aim at."""
  return workdir.artifact(
    "cells/cosine",
    [*inputs.depends_on("features"), *_protocol_settings(config)],
    measurement.measure_features(config, inputs),
  ).json("outcome")


def _cell(
  workdir: Workdir, config: ConfigDict, inputs: Inputs, cell: Cell
) -> Artifact:
  """Measures a baseline."""
  return workdir.artifact(
    f"cells/{cell}",
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
  workdir: Workdir, config: ConfigDict, inputs: Inputs, cell: Cell
) -> Artifact:
  """Makes DSTH's codes as a run does; both kinds cut one embedding."""
  shared = workdir.below(f"dsth/{config.num_bits}-{config.seed}")
  workdirs = dsth.Workdirs(workdir, shared, shared.below(cell.method))
  stages = dsth.fit(workdirs, config, inputs)
  return workdir.artifact(
    f"cells/{cell}",
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
