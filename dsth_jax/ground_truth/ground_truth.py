"""The database rows that are relevant to a query, and those that are ignored.

>>> truth = GroundTruth.from_labels(np.array([0, 1]), np.array([1, 0, -1]))
>>> truth.is_relevant(np.array([0, 1]), np.array([[0, 1, 2]] * 2))
array([[False,  True, False],
       [ True, False, False]])
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64, Shaped
from scipy import sparse

from dsth_jax.ground_truth import labels as labels_lib
from dsth_jax.types import ArrayLike

# A list of database rows for each query.
RowLists = Sequence[Sequence[int | np.integer] | Int[np.ndarray, "_"]]


class GroundTruth(NamedTuple):
  """The relevant database rows of every query, from labels or from lists.

  A database row is relevant if it shares a label with the query, or if the
  query's list has it. A row without a label is relevant to no query and stays
  in the ranking. Metrics treat an ignored row as if it were not in the
  database of that query.

  Attributes:
    query_labels: of each query; None with lists.
    database_labels: of the same kind; the same array where queries are the
      database.
    relevant: sparse Bool[q m] with lists; None with labels.
    ignored: sparse Bool[q m]; None where every row counts.
  """

  query_labels: labels_lib.Labels | None
  database_labels: labels_lib.Labels | None
  relevant: sparse.csr_array | None
  ignored: sparse.csr_array | None

  @classmethod
  def from_labels(
    cls,
    query_labels: Shaped[ArrayLike, "q *c"],
    database_labels: Shaped[ArrayLike, "m *c"],
    *,
    query_rows: Int[ArrayLike, "q"] | None = None,
  ) -> "GroundTruth":
    """Returns the ground truth in which a shared label is relevant.

    Args:
      query_labels: class numbers [q], negative for no label; or zeros and ones
        [q c], one column for each class.
      database_labels: of the same kind.
      query_rows: the database row of each query, ignored for it; None if no
        query is in the database.

    Raises:
      ValueError: the labels are of another kind or not all of the same kind, or a row
        is not in the database.
    """
    queries, database = labels_lib.checked_labels(
      {"query_labels": query_labels, "database_labels": database_labels}
    )
    if query_rows is None:
      return cls(queries, database, None, None)
    rows = _checked_rows("query_rows", query_rows, len(database))
    if rows.shape != queries.shape[:1]:
      raise ValueError(
        f"query_rows have the shape {list(rows.shape)}, but one database row for "
        f"each query is needed, [{len(queries)}]: pass None if queries are not "
        "in the database."
      )
    shape = len(queries), len(database)
    return cls(
      queries, database, None, _matrix(np.arange(len(rows)), rows, shape)
    )

  @classmethod
  def from_lists(
    cls,
    relevant: RowLists,
    *,
    num_database: int,
    ignored: RowLists | None = None,
  ) -> "GroundTruth":
    """Returns the ground truth of lists, as those of Oxford and Holidays.

    Args:
      relevant: of each query, the relevant database rows.
      num_database: rows of the database.
      ignored: of each query, the ignored rows, such as junk; None if there are
        none.

    Raises:
      ValueError: a row is not in the database, a row is in both lists, or the
        lists are for different numbers of queries.
    """
    relevant_rows = _sparse_rows("relevant", relevant, num_database)
    if ignored is None:
      return cls(None, None, relevant_rows, None)
    if len(ignored) != len(relevant):
      raise ValueError(
        f"relevant lists the rows of {len(relevant)} queries and ignored of "
        f"{len(ignored)}, but both need a list for each query: pass an "
        "empty list where a query ignores no row."
      )
    ignored_rows = _sparse_rows("ignored", ignored, num_database)
    queries, rows = (relevant_rows * ignored_rows).nonzero()
    if len(rows):
      raise ValueError(
        f"row {rows[0]} of query {queries[0]} is both relevant and ignored: "
        "keep it in one of the lists."
      )
    ignored_or_none = ignored_rows if ignored_rows.nnz else None
    return cls(None, None, relevant_rows, ignored_or_none)

  @classmethod
  def leave_one_out(cls, labels: Shaped[ArrayLike, "n *c"]) -> "GroundTruth":
    """Returns the ground truth of every image against all others.

    Args:
      labels: as in `from_labels`; kept once.

    Raises:
      ValueError: the labels are of another kind.
    """
    (checked,) = labels_lib.checked_labels({"labels": labels})
    itself = sparse.eye_array(len(checked), dtype=bool, format="csr")
    return cls(checked, checked, None, itself)

  @classmethod
  def lists_within(
    cls,
    query_rows: Int[ArrayLike, "q"],
    relevant: RowLists,
    *,
    num_images: int,
    ignored: RowLists | None = None,
  ) -> "GroundTruth":
    """Returns the ground truth of every image against all others, from lists.

    An image that is no query has no relevant rows. Every image ignores itself,
    so that a query may be in its database. Memory grows with the images and
    with the lists, not with their product.

    Args:
      query_rows: the image of each query.
      relevant: of each query, the relevant images; itself does not count.
      num_images: of the set.
      ignored: of each query, the ignored images; None if there are none.

    Raises:
      ValueError: as in `from_lists`, or an image is two queries.
    """
    rows = _checked_rows("query_rows", query_rows, num_images)
    if len(np.unique(rows)) != len(rows) or len(rows) != len(relevant):
      raise ValueError(
        f"query_rows name {len(np.unique(rows))} images in {len(rows)} rows, and "
        f"relevant has {len(relevant)} lists: pass a different image for each "
        "query, and a list for each."
      )
    lists = cls.from_lists(relevant, num_database=num_images, ignored=ignored)
    shape = num_images, num_images
    queries, images = lists.relevant.nonzero()  # type: ignore[union-attr]
    is_other = rows[queries] != images
    relevant_rows = _matrix(rows[queries[is_other]], images[is_other], shape)
    itself = np.arange(num_images)
    others = lists.ignored if lists.ignored is not None else itself[:0, None]
    queries, images = others.nonzero()
    ignored_rows = _matrix(
      np.concatenate([itself, rows[queries]]),
      np.concatenate([itself, images]),
      shape,
    )
    return cls(None, None, relevant_rows, ignored_rows)

  @property
  def num_queries(self) -> int:
    """The number of queries."""
    rows = self.relevant if self.relevant is not None else self.query_labels
    return rows.shape[0]  # type: ignore[union-attr]

  @property
  def num_database(self) -> int:
    """The number of database rows."""
    if self.relevant is not None:
      return self.relevant.shape[1]
    return self.database_labels.shape[0]  # type: ignore[union-attr]

  @property
  def num_ignored(self) -> Int64[np.ndarray, "q"]:
    """The number of ignored database rows of each query."""
    if self.ignored is None:
      return np.zeros(self.num_queries, np.int64)
    return np.diff(self.ignored.indptr).astype(np.int64)

  @property
  def has_lists(self) -> bool:
    """Whether lists say what is relevant, not labels."""
    return self.relevant is not None

  @property
  def classes(self) -> Int32[np.ndarray, "m"] | None:
    """The class of each database row, -1 for none; None without classes."""
    labels = self.database_labels
    return labels if labels is not None and labels.ndim == 1 else None

  def select(
    self, query_rows: Int[ArrayLike, "p"], database_rows: Int[ArrayLike, "r"]
  ) -> "GroundTruth":
    """Returns some of the queries against some of the database.

    Args:
      query_rows: the queries, in the order of the result.
      database_rows: the database rows, in the order of the result.

    Raises:
      ValueError: a row is out of range.
    """
    queries = _checked_rows("query_rows", query_rows, self.num_queries)
    rows = _checked_rows("database_rows", database_rows, self.num_database)
    labels = self.query_labels, self.database_labels
    relevant, ignored = (
      None if part is None else sparse.csr_array(part[queries][:, rows])
      for part in (self.relevant, self.ignored)
    )
    return GroundTruth(
      None if labels[0] is None else labels[0][queries],
      None if labels[1] is None else labels[1][rows],
      relevant,
      ignored if ignored is not None and ignored.nnz else None,
    )

  def is_relevant(
    self, queries: Int[ArrayLike, "q"], rows: Int[ArrayLike, "q r"]
  ) -> Bool[np.ndarray, "q r"]:
    """Returns whether each of the given rows of a query is relevant to it."""
    rows = np.asarray(rows)
    queries = np.broadcast_to(np.asarray(queries)[:, None], rows.shape)
    if self.relevant is not None:
      found = _entries(self.relevant, queries, rows)
    else:
      found = labels_lib.share_label(
        self.query_labels[queries],  # type: ignore[index]
        self.database_labels[rows],  # type: ignore[index]
      )
    if self.ignored is None:
      return found
    return found & ~_entries(self.ignored, queries, rows)


def _entries(
  matrix: sparse.csr_array,
  queries: Int[np.ndarray, "q r"],
  rows: Int[np.ndarray, "q r"],
) -> Bool[np.ndarray, "q r"]:
  return matrix[queries, rows].toarray().reshape(rows.shape)


def _sparse_rows(
  name: str, lists: Sequence[Sequence | np.ndarray], num_database: int
) -> sparse.csr_array:
  rows = [_checked_rows(name, each, num_database) for each in lists]
  queries = np.repeat(np.arange(len(rows)), [len(each) for each in rows])
  columns = np.concatenate([np.zeros(0, np.int64), *rows])
  return _matrix(queries, columns, (len(rows), num_database))


def _matrix(
  queries: np.ndarray, rows: np.ndarray, shape: tuple[int, int]
) -> sparse.csr_array:
  """Returns a sparse Bool[q m], True at these pairs; repeated ones count once."""
  values = np.ones(len(rows), bool)
  return sparse.csr_array((values, (queries, rows)), shape)


def _checked_rows(
  name: str, rows: ArrayLike | Sequence, size: int
) -> Int[np.ndarray, "r"]:
  found = np.asarray(rows)
  if not found.size:
    return np.zeros(0, np.int64)
  if found.dtype.kind not in "iu" or found.ndim != 1:
    raise ValueError(
      f"{name} hold {found.dtype}{list(found.shape)}, but row numbers are needed: "
      "pass a list of integers."
    )
  if found.min() < 0 or found.max() >= size:
    raise ValueError(
      f"{name} range over {found.min()} .. {found.max()}, but there are {size} "
      f"rows: pass numbers from 0 to {size - 1}."
    )
  return found
