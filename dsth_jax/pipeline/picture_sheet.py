"""Some queries of a run and what was found for them, as pictures."""

import numpy as np
from jaxtyping import UInt8
from ml_collections import ConfigDict

from dsth_jax import hamming, report
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
  found = hamming.search(
    packed[queries],
    packed[splits.database],
    num_results=min(config.eval.sheet_results, len(splits.database)),
  )
  results = splits.database[np.asarray(found.indices)]
  relevant = None
  if dataset.ground_truth is not None:
    relevant = dataset.ground_truth.is_relevant(queries, results).tolist()
  return report.PictureSheet(
    queries=[dataset.images[int(row)] for row in queries],
    results=[[dataset.images[int(r)] for r in rows] for rows in results],
    distances=np.asarray(found.distances).tolist(),
    relevant=relevant,
    query_names=[dataset.names[row] for row in queries],
    result_names=[[dataset.names[row] for row in rows] for rows in results],
  )
