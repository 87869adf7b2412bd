"""A whole comparison: its cells, one after another, and their report."""

import pathlib

import numpy as np
from absl import logging
from ml_collections import ConfigDict

from dsth_jax import report
from dsth_jax.comparison import cells, grid, summary
from dsth_jax.comparison.shared import Shared
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import run_dsth, small_sets
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.workdir import Workdir
from dsth_jax.report import comparison as report_lib
from dsth_jax.report.comparison import ComparisonResults, VariantResults
from dsth_jax.runtime import artifacts, locks


def run(
  config: ConfigDict, path: pathlib.Path
) -> ComparisonResults | VariantResults:
  """Measures every cell that is not current, and writes the report.

  Args:
    config: from `dsth_jax.config`, validated.
    path: the comparison's directory; made if it is missing.

  Returns:
    What `comparison.json` holds; see `summary.summarize`. A method or a variant
    that fails is reported there, and the others go on.

  Raises:
    ValueError: the data does not fit the settings or the methods.
    OSError: the directory cannot be written.
  """
  with locks.held(path):
    return data_lib.with_intact_images(config, lambda: _run(config, path))


def _run(
  config: ConfigDict, path: pathlib.Path
) -> ComparisonResults | VariantResults:
  # An artifact of a newer version is refused where it is read: by its cells.
  workdir = Workdir(path, config.workdir.check_gigabytes)
  dataset = data_lib.open_images(workdir, config)
  config = small_sets.fit(config, dataset, fields=("data.num_queries",))
  data = _draw_queries(config, data_lib.split(workdir, config, dataset))
  _refuse_unlabeled(config, data)
  variants = grid.variants(config, data)
  run_dsth.write_settings(workdir, config)
  measured = grid.measure(Shared(workdir, config, data), variants)
  results = summary.summarize(config, data, variants, measured)
  artifacts.write_json(path / "comparison.json", results)
  report.write_files(
    path / "report", report_lib.render(results), known=report_lib.FILES
  )
  logging.info("Open %s", path / "report" / "index.html")
  return results


def refuse_failures(results: ComparisonResults | VariantResults) -> None:
  """Raises ValueError where a cell has no figures, after all is written."""
  failed = results["failed"]
  if failed:
    names = ("method", "num_bits", "seed")
    first = cells.Cell(
      failed[0].get("variant", ""), *(failed[0][name] for name in names)
    )
    raise ValueError(
      f"{len(failed)} of the cells failed, first {first}: {failed[0]['error']} "
      "The figures of all others are written; the same command tries the "
      "failed ones again."
    )


def _draw_queries(config: ConfigDict, data: Data) -> Data:
  """Draws some of the queries, where fewer than the protocol's are wanted."""
  query, most = data.splits.query, config.compare.num_queries
  if not 0 < most < len(query):
    return data
  rng = np.random.default_rng(config.seed)
  drawn = np.sort(rng.choice(query, most, replace=False))
  return data._replace(splits=data.splits._replace(query=drawn))


def _refuse_unlabeled(config: ConfigDict, data: Data) -> None:
  if data.dataset.ground_truth is None:
    raise ValueError(
      f"{config.data.name} has no class labels, but a comparison counts relevant "
      "images by them: sort the images into one folder a class."
    )
