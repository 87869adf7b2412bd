"""The metrics of features, ranked by cosine."""

import inspect
import json

import numpy as np
import pytest
import sklearn.metrics

from dsth_jax import metrics
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.metrics import evaluate_cosine

# Metrics of a Hamming distance, which features do not have.


ONLY_OF_CODES = {"hd3p", "hd3p_empty_share", "nc3p"}


def _clustered(num_queries=30, num_rows=300, num_features=12):
  """Features and labels, (queries, rows) each, of three classes."""
  rng = np.random.default_rng(0)
  centers = rng.normal(size=(3, num_features))
  labels = [rng.integers(0, 3, n) for n in (num_queries, num_rows)]
  features = [
    centers[part] + rng.normal(size=(len(part), num_features))
    for part in labels
  ]
  return (*features, *labels)


def _evaluate(queries, database, query_labels, labels, **options):
  rows = options.pop("query_rows", None)
  truth = GroundTruth.from_labels(query_labels, labels, query_rows=rows)
  return metrics.evaluate_features(queries, database, truth, **options)


def _assert_equal(found, expected):
  assert set(found) == set(expected)
  for name in expected:
    # Float64 sums of some hundred terms, in another order.
    np.testing.assert_allclose(
      found[name], expected[name], rtol=1e-12, err_msg=name
    )


@pytest.mark.parametrize("left_out", [False, True])
def test_signs_as_features_are_the_codes(left_out):
  """On -1 and 1 the cosine is 1 - 2 d / b: one ranking, with the same ties."""
  queries, database, query_labels, labels = _clustered(num_features=16)
  rows = np.arange(30) * 7 if left_out else None
  if left_out:
    queries, query_labels = database[rows], labels[rows]
  signs = [np.where(part > 0, 1.0, -1.0) for part in (queries, database)]
  codes = [np.packbits(part > 0, axis=1) for part in (queries, database)]
  truth = GroundTruth.from_labels(query_labels, labels, query_rows=rows)
  expected = metrics.evaluate(*codes, truth, num_bits=16, max_rank=40)
  found = metrics.evaluate_features(*signs, truth, max_rank=40)
  shared = {k: v for k, v in expected.items() if k not in ONLY_OF_CODES}
  _assert_equal(found, shared)


def test_average_precision_of_cosines_is_scikit_learns():
  queries, database, query_labels, labels = _clustered()
  found = _evaluate(queries, database, query_labels, labels)
  cosines = sklearn.metrics.pairwise.cosine_similarity(queries, database)
  expected = np.mean(
    [
      sklearn.metrics.average_precision_score(labels == label, row)
      for label, row in zip(query_labels, cosines)
    ]
  )
  # Float32 cosines swap rows of the ranking that differ by 1e-7.
  assert found["mean_average_precision"] == pytest.approx(expected, rel=1e-4)
  assert json.loads(json.dumps(found)) == found


def test_scale_of_features_and_size_of_blocks_change_nothing(monkeypatch):
  queries, database, query_labels, labels = _clustered()
  expected = _evaluate(queries, database, query_labels, labels)
  monkeypatch.setattr(evaluate_cosine, "TILE_QUERIES", 7)
  # Powers of two change no digit of a cosine.
  found = _evaluate(4 * queries, database / 8, query_labels, labels)
  for name in expected:
    # A product of another shape may round, and swap two rows.
    np.testing.assert_allclose(found[name], expected[name], rtol=1e-3)


def test_leaving_rows_out_is_removing_them():
  _, features, _, labels = _clustered(num_rows=80)
  row = np.array([33])
  found = _evaluate(
    features[row], features, labels[row], labels, query_rows=row
  )
  expected = _evaluate(
    features[row],
    np.delete(features, row, 0),
    labels[row],
    np.delete(labels, row),
  )
  _assert_equal(found, expected)


def test_queries_without_relevant_rows_are_left_out():
  queries, database, query_labels, labels = _clustered()
  query_labels[:4] = 77
  found = _evaluate(queries, database, query_labels, labels)
  expected = _evaluate(queries[4:], database, query_labels[4:], labels)
  assert found["num_queries_without_relevant"] == 4
  # A product of another shape may round, and swap two rows.
  assert found["mean_average_precision"] == pytest.approx(
    expected["mean_average_precision"], rel=1e-4
  )


def test_rows_of_zeros_are_all_ties():
  queries, labels = np.zeros((1, 3)), np.array([1, 0, 0, 1])
  found = _evaluate(queries, np.eye(4, 3), np.array([1]), labels)
  # Positions of two relevant among four, each pair as likely.
  pairs = [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)]
  expected = np.mean([(1 / i + 2 / j) / 2 for i, j in pairs])
  assert found["mean_average_precision"] == pytest.approx(expected, rel=1e-12)
  assert found["mean_average_precision_optimistic"] == 1


def _with_nan():
  features = np.ones((20, 3))
  features[[7, 9], 1] = np.nan
  return features


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    (
      {"database_features": _with_nan()},
      "database_features contain NaN or infinity, first in row 7 .2 rows",
    ),
    ({"query_features": np.full((5, 3), np.inf)}, "query_features contain NaN"),
    ({"query_features": np.ones((5, 4))}, r"query_features have .*\[5, 4\]"),
    ({"query_features": np.ones((4, 3))}, "4 rows, .* has 5 queries"),
    ({"database_features": np.ones((0, 3))}, "database_features are empty"),
    (
      {"ground_truth": GroundTruth.from_lists([[]] * 5, num_database=20)},
      "none of the 5 queries",
    ),
  ],
)
def test_unfit_input_is_refused(changes, message):
  arguments = {
    "query_features": np.ones((5, 3)),
    "database_features": np.ones((20, 3)),
    "ground_truth": GroundTruth.from_labels(
      np.zeros(5, int), np.zeros(20, int)
    ),
  }
  # Past the type checks of the tests, which users do not have.
  with pytest.raises(ValueError, match=message):
    inspect.unwrap(metrics.evaluate_features)(**(arguments | changes))
