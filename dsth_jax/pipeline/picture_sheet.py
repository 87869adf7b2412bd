"""Some queries of a run and what was found for them, as pictures."""

import numpy as np
from jaxtyping import Int, UInt8
from ml_collections import ConfigDict

from dsth_jax import hamming, report
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.pipeline.data import Data


def picture_sheet(
  config: ConfigDict, data: Data, packed: UInt8[np.ndarray, "n w"]
) -> report.PictureSheet:
  """Searches the database for a few queries, and fetches their pictures."""
  dataset, splits = data.dataset, data.splits
  if not len(dataset.images):  # Features are all there is.
    return report.PictureSheet([], [], [], None, [], [])
  rng = np.random.default_rng(config.seed)
  count = min(config.eval.sheet_queries, len(splits.query))
  queries = np.sort(rng.choice(splits.query, count, replace=False))
  truth = dataset.ground_truth
  spare = 0
  if truth is not None:
    spare = int(truth.num_ignored[queries].max(initial=0))
  wanted = config.eval.sheet_results
  found = hamming.search(
    packed[queries],
    packed[splits.database],
    num_results=min(wanted + spare, len(splits.database)),
  )
  results = splits.database[np.asarray(found.indices)]
  # Rows that metrics leave out of a ranking, the query itself say, are no results.
  shown = [_counted(truth, *each)[:wanted] for each in zip(queries, results)]

  def of_shown(rows: np.ndarray) -> list[list]:
    return [row[places].tolist() for row, places in zip(rows, shown)]

  relevant = None
  if truth is not None:
    relevant = of_shown(truth.is_relevant(queries, results))
  rows_shown = of_shown(results)
  return report.PictureSheet(
    queries=[dataset.images[int(row)] for row in queries],
    results=[[dataset.images[row] for row in rows] for rows in rows_shown],
    distances=of_shown(np.asarray(found.distances)),
    relevant=relevant,
    query_names=[dataset.names[row] for row in queries],
    result_names=[[dataset.names[row] for row in rows] for rows in rows_shown],
  )


def _counted(
  truth: GroundTruth | None, query: int | np.integer, rows: Int[np.ndarray, "r"]
) -> Int[np.ndarray, "p"]:
  """Returns the places of the rows that a query does not ignore."""
  if truth is None or truth.ignored is None:
    return np.arange(len(rows))
  ignored = truth.ignored[[int(query)]].indices
  return np.flatnonzero(~np.isin(rows, ignored))
