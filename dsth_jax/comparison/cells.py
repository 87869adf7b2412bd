"""One cell of a comparison: a method at a code length with a seed.

A finished cell is a JSON file with the fingerprint of all that its figures
depend on: the data, the settings and the method's own file. What that file
imports is not part of it: delete the cells after a change there.
"""

import inspect
import sys
import traceback
from collections.abc import Iterator
from typing import Any, NamedTuple

from absl import logging
from ml_collections import ConfigDict

from dsth_jax import baselines, metrics
from dsth_jax import config as config_lib
from dsth_jax.comparison import timing
from dsth_jax.pipeline import evaluation, label_generation, methods, training
from dsth_jax.pipeline.methods import Inputs
from dsth_jax.pipeline.workdir import Run
from dsth_jax.runtime import artifacts

# What the file of a cell holds: `metrics`, `statistics` (of the database) and
# times, or an `error`.
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


def settings(config: ConfigDict, cell: Cell) -> ConfigDict:
  """Returns the settings of a run that makes a cell's codes."""
  config = config.copy_and_resolve_references()
  config.num_bits, config.seed = cell.num_bits, cell.seed
  change = config_lib.STUDENTS.get(cell.method)
  return change(config) if change else config


def outcome(
  run: Run, config: ConfigDict, inputs: Inputs, cell: Cell
) -> Outcome:
  """Returns a cell's figures, measured unless its file is current.

  A method may fail in any way: a sentence takes the figures' place, and the
  next call tries again.
  """
  config = settings(config, cell)
  fingerprint = _fingerprint(config, inputs, cell)
  path = run.workdir / "cells" / f"{cell}.json"
  stored = artifacts.read_current(path, fingerprint)
  if stored is not None and stored["error"] is None:
    _say(cell, stored, "reused")
    return stored
  found: Outcome = {
    "fingerprint": fingerprint,
    **cell._asdict(),
    **_measure_or_say(run, config, inputs, cell),
  }
  path.parent.mkdir(exist_ok=True)
  artifacts.write_json(path, found)
  if found["error"] is None:
    _say(cell, found, "measured")
  return found


def ceiling(run: Run, config: ConfigDict, inputs: Inputs) -> evaluation.Metrics:
  """Returns the figures of the features' cosine, which codes aim at."""
  fingerprint = artifacts.fingerprint(
    _queries_and_features(config, inputs), config.eval.max_rank
  )
  path = run.workdir / "cells" / "cosine.json"
  stored = artifacts.read_current(path, fingerprint)
  if stored is not None:
    return stored["metrics"]
  judged = evaluation.judge_features(config, inputs)
  path.parent.mkdir(exist_ok=True)
  found = {"fingerprint": fingerprint, "metrics": judged}
  artifacts.write_json(path, found)
  return judged


def _measure_or_say(
  run: Run, config: ConfigDict, inputs: Inputs, cell: Cell
) -> Outcome:
  try:
    found = _measure(run, config, inputs, cell)
  except Exception as error:
    sentence = _sentence(error)
    logging.error("%s failed: %s", cell, sentence)
    return {"error": sentence, "traceback": traceback.format_exc()}
  return {"error": None, **found}


def _measure(
  run: Run, config: ConfigDict, inputs: Inputs, cell: Cell
) -> Outcome:
  found = timing.encoded(run, config, inputs, cell.method)
  return {
    "metrics": evaluation.judge_codes(
      config, inputs.data, found.query, found.database
    ),
    "statistics": metrics.code_statistics(
      found.database, num_bits=cell.num_bits
    ),
    "fit_seconds": found.fit_seconds,
    "encode_seconds": found.encode_seconds,
  }


def _say(cell: Cell, found: Outcome, how: str) -> None:
  score = found["metrics"]["mean_average_precision"]
  logging.info("%s %s: mAP over all ranks %.3f", cell, how, score)


def _sentence(error: Exception) -> str:
  text = " ".join(str(error).split())
  if isinstance(error, ValueError) and text:
    return text
  return f"{type(error).__name__}: {text}"


def _fingerprint(config: ConfigDict, inputs: Inputs, cell: Cell) -> str:
  depends = _of_student if cell.method in config_lib.STUDENTS else _of_baseline
  return artifacts.fingerprint(
    cell,
    config.eval.max_rank,
    _queries_and_features(config, inputs),
    depends(config, cell.method),
  )


def _queries_and_features(config: ConfigDict, inputs: Inputs) -> str:
  return artifacts.fingerprint(
    inputs.data.fingerprint,
    config.compare.num_queries,
    label_generation.features_fingerprint(config, inputs.data),
    config.features.centre,
  )


def _of_student(config: ConfigDict, method: str) -> str:
  del method
  sections = ("graph", "spectral", "labels")
  labels_print = [config[section].to_dict() for section in sections]
  return artifacts.fingerprint(
    training.training_fingerprint(config, artifacts.fingerprint(labels_print)),
    config.encode.threshold,
  )


def _of_baseline(config: ConfigDict, method: str) -> str:
  module = sys.modules[baselines.BASELINES[method].fit.__module__]
  return artifacts.fingerprint(
    config.baselines.get(method, ConfigDict()).to_dict(),
    config.model.image_size if methods.sees_images(method) else None,
    inspect.getsource(module),
  )
