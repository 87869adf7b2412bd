"""The metrics with every kind of ground truth, against a loop over queries."""

import numpy as np
import pytest

from dsth_jax import metrics
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.metrics import evaluate_codes

NUM_QUERIES, NUM_ROWS = 12, 60
# Counts, or of the averaged curve: not the averages of single queries.
NOT_AVERAGES = {
  "num_queries",
  "num_database",
  "max_f_beta_0.5",
  "max_f_beta_0.25",
  "max_f_all_levels_beta_0.5",
  "max_f_all_levels_beta_0.25",
  "returned_images",
  "precision_of_returned",
}


def _vectors(seed=0):
  return np.random.default_rng(seed).choice([-1.0, 1.0], (NUM_ROWS, 16))


def _codes(queries, database, truth):
  packed = [np.packbits(part > 0, axis=1) for part in (queries, database)]
  return metrics.evaluate(*packed, truth, num_bits=16, max_rank=20)


def _features(queries, database, truth):
  return metrics.evaluate_features(queries, database, truth, max_rank=20)


both = pytest.mark.parametrize("evaluate", [_codes, _features])


def _assert_equal(found, expected, names):
  # Float64 sums of some dozen terms, in another order.
  for name in names:
    np.testing.assert_allclose(
      found[name], expected[name], rtol=1e-12, err_msg=name
    )


def _one_by_one(evaluate, vectors, relevant, ignored):
  """Averages over the queries, each on a database without its ignored rows."""
  every = []
  for query in range(NUM_QUERIES):
    keep = np.setdiff1d(np.arange(NUM_ROWS), ignored[query])
    right = np.isin(keep, relevant[query])
    if not right.any():
      continue
    truth = GroundTruth.from_labels(np.array([1]), right.astype(int))
    every.append(evaluate(vectors[[query]], vectors[keep], truth))
  names = set(every[0]) - NOT_AVERAGES - {"num_queries_without_relevant"}
  return {name: np.mean([e[name] for e in every], 0) for name in names}


@both
def test_ignored_rows_are_as_if_removed(evaluate, monkeypatch):
  monkeypatch.setattr(evaluate_codes, "TILE_QUERIES", 5)
  rng = np.random.default_rng(1)
  # One query has no relevant row; each ignores another number of rows.
  lists = [rng.permutation(NUM_ROWS)[:20] for _ in range(NUM_QUERIES)]
  relevant = [rows[:7] for rows in lists]
  relevant[3] = []
  ignored = [rows[7 : 8 + query] for query, rows in enumerate(lists)]
  vectors = _vectors()
  truth = GroundTruth.from_lists(
    relevant, num_database=NUM_ROWS, ignored=ignored
  )
  found = evaluate(vectors[:NUM_QUERIES], vectors, truth)
  assert found["num_queries_without_relevant"] == 1
  assert found["num_database"] == NUM_ROWS - 12
  expected = _one_by_one(evaluate, vectors, relevant, ignored)
  _assert_equal(found, expected, expected)


@both
@pytest.mark.parametrize("several", [False, True])
def test_missing_and_several_labels_equal_a_loop(evaluate, several):
  rng = np.random.default_rng(2)
  if several:
    labels = (rng.random((NUM_ROWS, 6)) < 0.2).astype(np.uint8)
    table = (labels[:, None] & labels[None]).any(-1)
  else:
    labels = rng.integers(-2, 4, NUM_ROWS)
    table = (labels[:, None] == labels[None]) & (labels >= 0)
  vectors, rows = _vectors(), np.arange(NUM_QUERIES)
  # Some queries have no label: they are tested too.
  assert (~table[:NUM_QUERIES, NUM_QUERIES:].any(1)).any() or several
  truth = GroundTruth.leave_one_out(labels).select(rows, np.arange(NUM_ROWS))
  found = evaluate(vectors[rows], vectors, truth)
  relevant = [table[row].nonzero()[0] for row in rows]
  expected = _one_by_one(evaluate, vectors, relevant, [[row] for row in rows])
  _assert_equal(found, expected, expected)


@both
@pytest.mark.parametrize("several", [False, True])
def test_lists_of_rows_with_a_shared_label_give_the_same_figures(
  evaluate, several
):
  rng = np.random.default_rng(3)
  if several:
    labels = rng.random((NUM_ROWS, 6)) < 0.2
  else:
    labels = rng.integers(-1, 4, NUM_ROWS)
  rows = np.arange(NUM_QUERIES)
  by_labels = GroundTruth.from_labels(labels[rows], labels, query_rows=rows)
  table = by_labels.is_relevant(rows, np.tile(np.arange(NUM_ROWS), (12, 1)))
  by_lists = GroundTruth.from_lists(
    [row.nonzero()[0] for row in table],
    num_database=NUM_ROWS,
    ignored=list(rows[:, None]),
  )
  vectors = _vectors()
  found = evaluate(vectors[rows], vectors, by_lists)
  expected = evaluate(vectors[rows], vectors, by_labels)
  only_of_lists = found.keys() - expected.keys()
  assert all(name.startswith("map_trapezium") for name in only_of_lists)
  assert {name: found[name] for name in expected} == expected


def test_junk_as_in_oxford():
  # Distances 1 .. 6; ranks 1 and 4 are junk, 2 and 5 good, 3 and 6 bad.
  # Without junk the good ones have ranks 1 and 3: (1/1 + 2/3) / 2.
  bits = np.tri(7, 8, -1, dtype=np.uint8)
  packed = np.packbits(bits, axis=1)
  truth = GroundTruth.from_lists([[1, 4]], num_database=6, ignored=[[0, 3]])
  found = metrics.evaluate(packed[:1], packed[1:], truth, num_bits=8)
  assert found["mean_average_precision"] == pytest.approx((1 + 2 / 3) / 2)
  assert found["num_database"] == 4
  assert found["returned_images"] == [1, 2, 3, 4]
  np.testing.assert_allclose(
    found["precision_of_returned"], [1, 1 / 2, 2 / 3, 1 / 2]
  )
  # Of distances 2 and 3, the first is good.
  assert found["hd3p"] == 0.5
