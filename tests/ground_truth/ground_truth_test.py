"""Ground truth from labels, from lists and of a whole set."""

import inspect

import numpy as np
import pytest

from dsth_jax.ground_truth import GroundTruth


def make_labels(kind, size, seed=0):
  """Class numbers, some missing, or several labels for each image."""
  rng = np.random.default_rng(seed)
  if kind == "classes":
    return rng.integers(-1, 4, size)
  return (rng.random((size, 5)) < 0.3).astype(np.uint8)


def shares(labels, others):
  """Whether two images share a label, one pair at a time."""
  if labels.ndim == 1:
    table = [[a == b and a >= 0 for b in others] for a in labels]
  else:
    table = [[bool(set(a.nonzero()[0]) & set(b.nonzero()[0])) for b in others]
             for a in labels]  # fmt: skip
  return np.array(table)


def relevance(truth):
  """The whole table of queries and database rows."""
  queries = np.arange(truth.num_queries)
  rows = np.tile(np.arange(truth.num_database), (len(queries), 1))
  return truth.is_relevant(queries, rows)


@pytest.mark.parametrize("kind", ["classes", "several"])
class TestLabels:
  def test_a_shared_label_is_relevant(self, kind):
    queries, database = make_labels(kind, 9), make_labels(kind, 30, seed=1)
    truth = GroundTruth.from_labels(queries, database)
    np.testing.assert_array_equal(relevance(truth), shares(queries, database))
    assert (truth.num_queries, truth.num_database) == (9, 30)
    assert not truth.num_ignored.any()

  def test_lists_of_rows_with_a_shared_label_are_the_same(self, kind):
    queries, database = make_labels(kind, 9), make_labels(kind, 30, seed=1)
    lists = [row.nonzero()[0] for row in shares(queries, database)]
    rows = np.arange(9)
    lists = [row[row != i] for i, row in enumerate(lists)]
    found = GroundTruth.from_lists(
      lists, num_database=30, ignored=[[row] for row in rows]
    )
    expected = GroundTruth.from_labels(queries, database, query_rows=rows)
    np.testing.assert_array_equal(relevance(found), relevance(expected))
    np.testing.assert_array_equal(found.num_ignored, expected.num_ignored)
    np.testing.assert_array_equal(
      found.ignored.toarray(), expected.ignored.toarray()
    )

  def test_an_image_of_a_set_ignores_itself(self, kind):
    labels = make_labels(kind, 30)
    truth = GroundTruth.leave_one_out(labels)
    others = ~np.eye(30, dtype=bool)
    np.testing.assert_array_equal(
      relevance(truth), shares(labels, labels) & others
    )
    np.testing.assert_array_equal(truth.num_ignored, np.ones(30))
    # Memory: a million images have one array of labels.
    assert truth.query_labels is truth.database_labels

  def test_selected_rows_are_those_of_the_table(self, kind):
    truth = GroundTruth.leave_one_out(make_labels(kind, 30))
    rng = np.random.default_rng(2)
    queries, rows = rng.permutation(30)[:8], rng.permutation(30)[:20]
    found = truth.select(queries, rows)
    table = np.ix_(queries, rows)
    np.testing.assert_array_equal(relevance(found), relevance(truth)[table])
    np.testing.assert_array_equal(
      found.ignored.toarray(), queries[:, None] == rows[None]
    )
    again = found.select(np.array([3, 0]), np.arange(20)[::-1])
    np.testing.assert_array_equal(
      relevance(again), relevance(found)[[3, 0], ::-1]
    )


def test_a_query_outside_the_database_ignores_no_row():
  truth = GroundTruth.leave_one_out(make_labels("classes", 30))
  assert truth.select(np.arange(10), np.arange(10, 30)).ignored is None


def test_selected_lists_are_renumbered():
  truth = GroundTruth.from_lists(
    [[0, 4], [], [1, 2]], num_database=5, ignored=[[2], [3], []]
  )
  found = truth.select(np.array([2, 0]), np.array([4, 2, 1]))
  np.testing.assert_array_equal(
    relevance(found), [[False, True, True], [True, False, False]]
  )
  np.testing.assert_array_equal(
    found.ignored.toarray(), [[False, False, False], [False, True, False]]
  )


def test_a_row_listed_twice_counts_once():
  once = GroundTruth.from_lists([[1, 3]], num_database=4, ignored=[[2]])
  twice = GroundTruth.from_lists([[3, 1, 3]], num_database=4, ignored=[[2, 2]])
  np.testing.assert_array_equal(relevance(once), relevance(twice))
  np.testing.assert_array_equal(once.num_ignored, twice.num_ignored)


def test_classes_are_one_number_an_image():
  labels = np.array([3, -1, 0, -7])
  np.testing.assert_array_equal(
    GroundTruth.leave_one_out(labels).classes, [3, -1, 0, -1]
  )
  assert GroundTruth.leave_one_out(np.eye(3, dtype=bool)).classes is None
  assert GroundTruth.from_lists([[0]], num_database=1).classes is None


def test_large_class_numbers_stay_different():
  large = np.array([2**40, 2**40 + 2**32, -1])
  truth = GroundTruth.from_labels(large, np.array([2**40, -1, 7]))
  np.testing.assert_array_equal(
    relevance(truth), [[True, False, False], [False] * 3, [False] * 3]
  )


ZEROS = np.zeros(3, int)


@pytest.mark.parametrize(
  ("make", "arguments", "message"),
  [
    ("leave_one_out", {"labels": np.zeros(3)}, "labels are float64"),
    ("leave_one_out", {"labels": np.array([None, 1])}, "labels are object"),
    ("leave_one_out", {"labels": np.full((2, 2), 7)}, "contain 7, but columns"),
    ("leave_one_out", {"labels": np.full((2, 2), -1)}, "contain -1, but columns"),
    ("from_labels", {"query_labels": np.full(3, np.nan)}, "query_labels are float64"),
    ("from_labels", {"query_labels": np.ones((3, 2), bool)}, r"\[3, 2\] and database"),
    ("from_labels", {"query_rows": np.array([0, 3, 1])}, "range over 0 .. 3"),
    ("from_labels", {"query_rows": np.array([0, -1, 1])}, "range over -1 .. 1"),
    ("from_labels", {"query_rows": np.array([0, 1])}, r"the shape \[2\]"),
    ("from_lists", {"relevant": [[0], [2]]}, "relevant range over 2 .. 2"),
    ("from_lists", {"relevant": [[0], [0.5]]}, r"relevant hold float64\[1\]"),
    ("from_lists", {"ignored": [[1]]}, "of 2 queries and ignored of 1"),
    ("from_lists", {"ignored": [[], [0, 1]]}, "row 1 of query 1 is both"),
  ],
)  # fmt: skip
def test_unfit_input_is_refused(make, arguments, message):
  given = {
    "leave_one_out": {},
    "from_labels": {"query_labels": ZEROS, "database_labels": ZEROS},
    "from_lists": {"relevant": [[0], [1]], "num_database": 2},
  }[make]
  # Past the type checks of the tests, which users do not have.
  function = inspect.unwrap(getattr(GroundTruth, make).__func__)
  with pytest.raises(ValueError, match=message):
    function(GroundTruth, **(given | arguments))


@pytest.mark.parametrize(
  ("queries", "rows", "message"),
  [([9], [0], "query_rows range over 9"), ([0], [-1], "database_rows range")],
)
def test_selecting_unknown_rows_is_refused(queries, rows, message):
  truth = GroundTruth.leave_one_out(ZEROS)
  with pytest.raises(ValueError, match=message):
    truth.select(np.array(queries), np.array(rows))
