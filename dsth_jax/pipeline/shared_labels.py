"""Labels that are of no use to measure a search are found before training."""

import numpy as np
from absl import logging
from jaxtyping import Bool
from scipy import sparse

from dsth_jax import datasets
from dsth_jax.ground_truth import GroundTruth


def keep_measurable(
  dataset: datasets.Dataset, splits: datasets.Splits
) -> datasets.Dataset:
  """Returns a set without its labels if no query shares one with the database.

  Where some queries do not, the log says how many.
  """
  truth = dataset.ground_truth
  if truth is None:
    return dataset
  found = has_relevant(truth.select(splits.query, splits.database))
  if found.all():
    return dataset
  if found.any():
    logging.warning(
      "%d of the %d queries have no relevant image in the database: figures are "
      "those of the others.",
      np.count_nonzero(~found),
      len(found),
    )
    return dataset
  logging.warning(
    "None of the %d queries shares a label with an image in the database, so "
    "that no precision can be measured: the run goes on as without labels. "
    "Labels are folders: put similar images into one, or set "
    "--config.data.ignore_labels=True.",
    len(found),
  )
  return dataset._replace(ground_truth=None, class_names=())


def has_relevant(truth: GroundTruth) -> Bool[np.ndarray, "q"]:
  """Tells for each query whether any database row is relevant to it."""
  ignored = truth.ignored
  if truth.relevant is not None:
    relevant = truth.relevant.astype(np.int8)
    if ignored is not None:
      relevant = relevant - relevant.multiply(ignored)
    return np.asarray(relevant.sum(1)).ravel() > 0
  queries, database = _indicators(truth)
  # Rows that share two labels count twice, which does not matter here.
  shared = queries @ np.asarray(database.sum(0)).ravel()
  if ignored is not None:
    query, row = ignored.nonzero()
    own = np.asarray(queries[query].multiply(database[row]).sum(1)).ravel()
    shared = shared - np.bincount(query, own, minlength=len(shared))
  return shared > 0


def _indicators(
  truth: GroundTruth,
) -> tuple[sparse.csr_array, sparse.csr_array]:
  """Returns the labels of queries [q c] and database [m c] as numbers 0 and 1."""
  queries, database = truth.query_labels, truth.database_labels
  assert queries is not None
  assert database is not None
  if queries.ndim == 2:
    return (
      sparse.csr_array(queries.astype(np.int64)),
      sparse.csr_array(database.astype(np.int64)),
    )
  names = np.unique(np.concatenate([queries, database]))
  names = names[names >= 0]
  return _one_hot(queries, names), _one_hot(database, names)


def _one_hot(labels: np.ndarray, names: np.ndarray) -> sparse.csr_array:
  (known,) = np.nonzero(labels >= 0)
  columns = np.searchsorted(names, labels[known])
  shape = (len(labels), len(names))
  return sparse.csr_array((np.ones(len(known), int), (known, columns)), shape)
