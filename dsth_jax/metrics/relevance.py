"""Which database rows are relevant to which queries."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Int, Shaped

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


def share_label(
  query_labels: Shaped[np.ndarray, "n *c"],
  own_labels: Shaped[np.ndarray, "n *c"],
) -> Bool[np.ndarray, "n"]:
  """Returns whether a query and its own database row share a label."""
  if query_labels.ndim == 1:
    return query_labels == own_labels
  return (query_labels & own_labels).any(1)


def comparable(
  query_labels: ArrayLike, database_labels: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
  """Brings labels of any integer type into a form that `relevance` compares.

  Args:
    query_labels: class numbers [q], or zeros and ones [q c].
    database_labels: the same for the database.

  Returns:
    Int32 class numbers from 0 on, or Bool[n c], of both.

  Raises:
    ValueError: there are no labels, they are neither of these, or the two
      are not alike.
  """
  labels = [np.asarray(query_labels), np.asarray(database_labels)]
  for name, part in zip(("query_labels", "database_labels"), labels):
    _check_one(name, part)
  if labels[0].shape[1:] != labels[1].shape[1:]:
    raise ValueError(
      f"query_labels have the shape {list(labels[0].shape)} and "
      f"database_labels {list(labels[1].shape)}, but both must be class "
      "numbers [n] or share their columns [n c]: pass labels of one set of "
      "classes."
    )
  if labels[0].ndim == 2:
    return labels[0].astype(bool), labels[1].astype(bool)
  # Class numbers may exceed what the device's 32 bits hold.
  _, inverse = np.unique(np.concatenate(labels), return_inverse=True)
  compact = inverse.astype(np.int32)
  return compact[: len(labels[0])], compact[len(labels[0]) :]


def check_rows(
  name: str, rows: ArrayLike, labels: ArrayLike, labels_name: str
) -> None:
  """Refuses what has no rows, or not a label each."""
  if not rows.shape[0]:
    raise ValueError(
      f"{name} are empty, but metrics need at least one row: pass what was "
      "encoded."
    )
  if rows.shape[0] != labels.shape[0]:
    raise ValueError(
      f"{name} have {rows.shape[0]} rows and {labels_name} "
      f"{labels.shape[0]}, but every row needs its label: pass both of the "
      "same images."
    )


def check_query_rows(
  query_rows: Int[ArrayLike, "rows"] | None, num_queries: int, size: int
) -> None:
  """Refuses rows to leave out that are not one of the database a query."""
  if query_rows is None:
    return
  rows = np.asarray(query_rows)
  if rows.shape != (num_queries,):
    raise ValueError(
      f"query_rows have the shape {list(rows.shape)}, but one database row a "
      f"query is needed, [{num_queries}]: pass None if queries are not in the "
      "database."
    )
  if rows.min() < 0 or rows.max() >= size or size < 2:
    raise ValueError(
      f"query_rows range over {rows.min()} .. {rows.max()}, but the database "
      f"has {size} rows: pass rows of the database, which must keep at least "
      "one more."
    )


def _check_one(name: str, labels: np.ndarray) -> None:
  if labels.dtype.kind not in "iub" or labels.ndim not in (1, 2):
    raise ValueError(
      f"{name} are {labels.dtype}{list(labels.shape)}, but integer class "
      "numbers [n] or zeros and ones [n c] are needed: metrics cannot be "
      "computed without labels."
    )
  limits = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
  if limits[0] < 0:
    raise ValueError(
      f"{name} contain {limits[0]}, but a class number is never negative: "
      "leave rows without a label out."
    )
  if labels.ndim == 2 and limits[1] > 1:
    raise ValueError(
      f"{name} contain {limits[1]}, but columns of classes hold zeros and "
      "ones: pass class numbers as one axis [n]."
    )
