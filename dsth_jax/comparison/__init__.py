"""Any methods, code lengths and seeds on one data set, under one protocol.

All methods learn from the same images with the same features, are asked the
same queries, and are judged by the metrics of a run. What is measured at once
is a cell: a method, a number of bits and a seed.
"""

import pathlib

import numpy as np
from absl import logging
from ml_collections import ConfigDict

from dsth_jax import config as config_lib
from dsth_jax import report
from dsth_jax.comparison import cells, summary
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import label_generation, methods, training
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.methods import Inputs
from dsth_jax.pipeline.workdir import Run, environment
from dsth_jax.report.comparison import markdown, page, plots
from dsth_jax.report.comparison.results import Results
from dsth_jax.runtime import artifacts

# What a report may consist of.
_FILES = (
  "precision_recall.png",
  "precision_of_returned.png",
  "quality_by_length.png",
  "comparison.md",
  "index.html",
)


def run(config: ConfigDict, workdir: pathlib.Path) -> Results:
  """Measures every cell that is not current, and writes the report.

  Args:
    config: from `dsth_jax.config`, validated.
    workdir: the comparison's directory; made if it is missing.

  Returns:
    What `comparison.json` holds; see `summary.summarize`. A method that fails
    is reported there, and the others go on.

  Raises:
    ValueError: the data does not fit the settings or the methods.
    OSError: the directory cannot be written.
  """
  workdir.mkdir(parents=True, exist_ok=True)
  artifacts.write_text(workdir / "config.json", config.to_json(indent=2))
  artifacts.write_json(workdir / "environment.json", environment())
  this = Run(workdir)
  data = _asked(config, data_lib.load(this, config))
  _check(config, data)
  inputs = _inputs(this, config, data)
  ceiling = cells.ceiling(this, config, inputs)
  outcomes = _outcomes(this, config, inputs)
  results = summary.summarize(config, data, ceiling, outcomes)
  artifacts.write_json(workdir / "comparison.json", results)
  files = {
    **dict(plots.files(results)),
    "comparison.md": markdown.render(results).encode(),
    "index.html": page.render(results).encode(),
  }
  report.write_files(workdir / "report", files, known=_FILES)
  logging.info("Open %s", workdir / "report" / "index.html")
  return results


def refuse_failures(results: Results) -> None:
  """Raises ValueError where a cell has no figures, after all is written."""
  failed = results["failed"]
  if failed:
    first = cells.Cell(
      *(failed[0][name] for name in ("method", "num_bits", "seed"))
    )
    raise ValueError(
      f"{len(failed)} of the cells failed, first {first}: {failed[0]['error']} "
      "The figures of all others are written; the same command tries the "
      "failed ones again."
    )


def _asked(config: ConfigDict, data: Data) -> Data:
  """Draws some of the queries, where fewer than the protocol's are wanted."""
  query, most = data.splits.query, config.compare.num_queries
  if not 0 < most < len(query):
    return data
  rng = np.random.default_rng(config.seed)
  drawn = np.sort(rng.choice(query, most, replace=False))
  return data._replace(splits=data.splits._replace(query=drawn))


def _check(config: ConfigDict, data: Data) -> None:
  """Refuses, before any work, what could not be judged or fitted."""
  if data.dataset.ground_truth is None:
    raise ValueError(
      f"{config.data.name} has no class labels, but a comparison counts right "
      "images by them: sort the images into one folder a class."
    )
  methods.check(config.compare.methods, data)
  for cell in cells.plan(config):
    if cell.method in config_lib.STUDENTS:
      data_lib.check_training_size(cells.settings(config, cell), data)


def _inputs(run: Run, config: ConfigDict, data: Data) -> Inputs:
  described = label_generation.extract_features(run, config, data)
  points = label_generation.centred(config, data, described)
  pixels = None
  if any(map(methods.sees_images, config.compare.methods)):
    pixels = training.write_pixels(run, config, data)
  return Inputs(data, points, pixels)


def _outcomes(
  run: Run, config: ConfigDict, inputs: Inputs
) -> list[cells.Outcome]:
  planned = list(cells.plan(config))
  outcomes = []
  for number, cell in enumerate(planned, 1):
    logging.info("Cell %d of %d: %s", number, len(planned), cell)
    outcomes.append(cells.outcome(run, config, inputs, cell))
  return outcomes
