"""The ground truth in the forms that the metrics use."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Int, Shaped
from scipy import sparse

from dsth_jax import ground_truth as ground_truth_
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.types import ArrayLike


def relevance(
  query_labels: Shaped[Array, "q *c"], database_labels: Shaped[Array, "m *c"]
) -> Bool[Array, "q m"]:
  """Returns whether a query and a database row share a label."""
  if query_labels.ndim == 1:
    return query_labels[:, None] == database_labels[None, :]
  # Counts of shared labels are small integers, exact in any float type.
  shared = query_labels.astype(jnp.float32) @ database_labels.T.astype(
    jnp.float32
  )
  return shared > 0


def comparable_labels(
  ground_truth: GroundTruth,
) -> tuple[Shaped[np.ndarray, "q *c"], Shaped[np.ndarray, "m *c"]]:
  """Returns labels for `relevance`, where a missing label matches no other."""
  queries, database = ground_truth.query_labels, ground_truth.database_labels
  if queries is None or database is None:
    queries = np.full(ground_truth.num_queries, -1, np.int32)
    database = np.full(ground_truth.num_database, -1, np.int32)
  if queries.ndim == 2:
    return queries, database
  # A missing label is -1 in the database and -2 in the queries: never equal.
  return np.where(queries < 0, np.int32(-2), queries), database


def add_to_histograms(
  histograms: Int[np.ndarray, "p bins"],
  codes: tuple[Shaped[np.ndarray, "q w"], Shaped[np.ndarray, "m w"]],
  ground_truth: GroundTruth,
  block: slice,
) -> None:
  """Corrects counts by labels, in place, for listed and for ignored rows.

  Args:
    histograms: of the queries of a block; see `distance_bins.bins`.
    codes: packed codes of all queries and of the database.
    ground_truth: of all queries.
    block: of queries.
  """
  queries, database = codes[0][block], codes[1]
  labels = ground_truth.query_labels, ground_truth.database_labels
  for lists in (ground_truth.relevant, ground_truth.ignored):
    owner, rows = pairs(lists, block)
    differing = np.bitwise_count(queries[owner] ^ database[rows])
    bins = 2 * differing.sum(1, dtype=np.int64)
    if labels[0] is not None and labels[1] is not None:
      bins += ground_truth_.share_label(
        labels[0][block][owner], labels[1][rows]
      )
    np.subtract.at(histograms, (owner, bins), 1)
    if lists is ground_truth.relevant:
      np.add.at(histograms, (owner, bins + 1), 1)


def pairs(
  lists: sparse.csr_array | None, block: slice
) -> tuple[Int[np.ndarray, "p"], Int[np.ndarray, "p"]]:
  """Returns the listed pairs of a block: the query in the block, the row."""
  if lists is None:
    return np.zeros(0, np.int64), np.zeros(0, np.int64)
  return lists[block].nonzero()


def check_rows(name: str, rows: ArrayLike, needed: int, of: str) -> None:
  """Raises ValueError unless there are rows, as many as needed."""
  if not rows.shape[0]:
    raise ValueError(
      f"{name} are empty, but metrics need at least one row: pass a row for "
      "each image."
    )
  if rows.shape[0] != needed:
    raise ValueError(
      f"{name} have {rows.shape[0]} rows, but the ground truth has {needed} "
      f"{of}: pass both of the same images."
    )


def num_ranked(ground_truth: GroundTruth) -> int:
  """Returns the smallest number of rows that a query is ranked against."""
  largest = int(ground_truth.num_ignored.max(initial=0))
  if largest >= ground_truth.num_database:
    raise ValueError(
      f"a query ignores {largest} rows, but the database has "
      f"{ground_truth.num_database}: leave at least one to be ranked."
    )
  return ground_truth.num_database - largest
