"""The metrics of codes: invariances, rows left out, refused input."""

import inspect
import json

import numpy as np
import pytest

from dsth_jax import metrics
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.metrics import evaluate_codes


def _clustered(seed, num_queries, num_rows, num_bits=16, num_classes=4):
  """Codes and labels (queries, rows) in which classes share some bits."""
  rng = np.random.default_rng(seed)
  centers = rng.normal(size=(num_classes, num_bits))
  labels = [rng.integers(0, num_classes, n) for n in (num_queries, num_rows)]
  bits = [
    (centers[part] + rng.normal(size=(len(part), num_bits)) > 0)
    for part in labels
  ]
  codes = [np.packbits(part, axis=1) for part in bits]
  return (*codes, *labels)


def _evaluate(queries, database, query_labels, labels, **options):
  rows = options.pop("query_rows", None)
  truth = GroundTruth.from_labels(query_labels, labels, query_rows=rows)
  return metrics.evaluate(queries, database, truth, **options)


def _assert_equal(found, expected, names=None, rtol=1e-12):
  # Float64 sums of at most some thousand terms, in another order.
  for name in names or expected:
    np.testing.assert_allclose(
      found[name], expected[name], rtol=rtol, err_msg=name
    )


def test_order_of_database_and_queries_changes_nothing():
  queries, database, query_labels, labels = _clustered(0, 40, 500)
  options = {"num_bits": 16, "max_rank": 50}
  found = _evaluate(queries, database, query_labels, labels, **options)
  rows, columns = np.random.default_rng(0).permutation(500), np.arange(40)[::-1]
  again = _evaluate(
    queries[columns],
    database[rows],
    query_labels[columns],
    labels[rows],
    **options,
  )
  _assert_equal(found, again)


# In the larger tile of the shorter codes, distances are counted in pairs.


@pytest.mark.parametrize(("num_rows", "num_bits"), [(500, 16), (1001, 8)])
def test_size_of_tiles_changes_nothing(monkeypatch, num_rows, num_bits):
  data = _clustered(0, 40, num_rows, num_bits)
  rows = np.arange(40) * 11
  expected = _evaluate(*data, num_bits=num_bits, query_rows=rows)
  monkeypatch.setattr(evaluate_codes, "TILE_QUERIES", 7)
  monkeypatch.setattr(evaluate_codes, "TILE_DATABASE", 64)
  found = _evaluate(*data, num_bits=num_bits, query_rows=rows)
  _assert_equal(found, expected)


@pytest.mark.parametrize("max_rank", [3, 50, 1000])
def test_bounds_bracket_the_expectation(max_rank):
  found = _evaluate(*_clustered(3, 60, 400), num_bits=16, max_rank=max_rank)
  for name in (
    "mean_average_precision",
    f"mean_average_precision_at_{max_rank}",
  ):
    expected = found[name]
    assert found[f"{name}_pessimistic"] < expected < found[f"{name}_optimistic"]


def test_max_rank_beyond_the_database_means_all_ranks():
  found = _evaluate(*_clustered(4, 20, 90), num_bits=16, max_rank=5000)
  # Every relevant row is a hit, so the two divide by the same number.
  for end in ("", "_pessimistic", "_optimistic"):
    at = found[f"mean_average_precision_at_5000{end}"]
    assert at == pytest.approx(found[f"mean_average_precision{end}"], rel=1e-12)
  assert found["returned_images"][-1] == 90


def test_max_f_measures_are_those_of_the_averaged_curve():
  data = _clustered(9, 60, 400)
  found = _evaluate(*data, num_bits=16)
  curve = dict(zip(found["recall_levels"], found["precision_at_recall"]))
  for prefix, levels in (
    ("max_f", (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)),
    ("max_f_all_levels", np.arange(1, 11) / 10),
  ):
    for beta in (0.5, 0.25):
      assert found[f"{prefix}_beta_{beta}"] == pytest.approx(
        max(
          (1 + beta**2) / (1 / curve[level] + beta**2 / level)
          for level in levels
        )
      )


@pytest.mark.parametrize("levels", [(0.3,), (1.0, 0.5), (0.2, 0.4, 0.05)])
def test_max_f_of_the_paper_does_not_depend_on_the_levels_of_the_curve(levels):
  data = _clustered(9, 60, 400)
  twentieths = [number / 20 for number in range(1, 21)]
  usual = _evaluate(*data, num_bits=16, recall_levels=twentieths)
  curve = dict(zip(usual["recall_levels"], usual["precision_at_recall"]))
  found = _evaluate(*data, num_bits=16, recall_levels=levels)
  assert found["recall_levels"] == list(levels)
  np.testing.assert_allclose(
    found["precision_at_recall"], [curve[level] for level in levels]
  )
  _assert_equal(found, usual, ["max_f_beta_0.5", "max_f_beta_0.25"])


def test_queries_without_relevant_rows_are_left_out():
  queries, database, query_labels, labels = _clustered(5, 30, 200)
  query_labels[:7] = 99
  found = _evaluate(queries, database, query_labels, labels, num_bits=16)
  assert found["num_queries"] == 30
  assert found["num_queries_without_relevant"] == 7
  expected = _evaluate(
    queries[7:], database, query_labels[7:], labels, num_bits=16
  )
  names = set(expected) - {"num_queries", "num_queries_without_relevant"}
  _assert_equal(found, expected, names)


def test_leaving_rows_out_is_removing_them():
  codes, _, labels, _ = _clustered(6, 50, 1)
  rows = np.array([3, 49, 20])
  found = _evaluate(
    codes[rows], codes, labels[rows], labels, num_bits=16, query_rows=rows
  )
  singles = [
    _evaluate(
      codes[[row]],
      np.delete(codes, row, 0),
      labels[[row]],
      np.delete(labels, row),
      num_bits=16,
    )
    for row in rows
  ]
  assert found["num_database"] == 49
  names = set(found) - {
    "num_queries",
    # Of the averaged curve, not the average of each.
    "max_f_beta_0.5",
    "max_f_beta_0.25",
    "max_f_all_levels_beta_0.5",
    "max_f_all_levels_beta_0.25",
  }
  means = {n: np.mean([single[n] for single in singles], 0) for n in names}
  _assert_equal(found, means)


def test_one_column_a_class_is_the_class_number():
  queries, database, query_labels, labels = _clustered(7, 30, 200)
  columns = np.eye(4, dtype=bool)
  expected = _evaluate(
    queries, database, query_labels + 7_000_000_000, labels + 7_000_000_000,
    num_bits=16,
  )  # fmt: skip
  for dtype in (bool, np.uint8):
    found = _evaluate(
      queries,
      database,
      columns[query_labels].astype(dtype),
      columns[labels].astype(dtype),
      num_bits=16,
    )
    assert found == expected


def test_multi_label_relevance_is_a_shared_label():
  rng = np.random.default_rng(8)
  queries, database, *_ = _clustered(8, 1, 60)
  query_labels = np.array([[1, 0, 1, 0, 0]], np.uint8)
  labels = (rng.random((60, 5)) < 0.3).astype(np.uint8)
  found = _evaluate(queries, database, query_labels, labels, num_bits=16)
  either = labels[:, 0] | labels[:, 2]
  expected = _evaluate(
    queries, database, np.array([1]), either.astype(int), num_bits=16
  )
  assert found == expected


def test_one_class_only_is_all_ones():
  queries, database, *_ = _clustered(9, 10, 50)
  found = _evaluate(
    queries, database, np.zeros(10, int), np.zeros(50, int), num_bits=16
  )
  values = [v for k, v in found.items() if k.startswith(("mean", "precision"))]
  np.testing.assert_allclose(np.hstack(values), 1, rtol=1e-12)
  assert found["nc3p"] == 1


def test_metrics_are_json():
  found = _evaluate(*_clustered(0, 5, 20), num_bits=16)
  assert json.loads(json.dumps(found)) == found


def _truth(query_labels):
  return GroundTruth.from_labels(query_labels, np.zeros(20, int))


def _bad(message, **changes):
  queries, database, query_labels, labels = _clustered(0, 5, 20)
  arguments = {
    "query_codes": queries,
    "database_codes": database,
    "ground_truth": GroundTruth.from_labels(query_labels, labels),
    "num_bits": 16,
  }
  return pytest.param(arguments | changes, message, id=message)


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    _bad("query_codes have 4 rows, .* has 5 queries", query_codes=np.ones((4, 2), np.uint8)),
    _bad("database_codes have 9 rows, .* has 20 database", database_codes=np.ones((9, 2), np.uint8)),
    _bad("query_codes are empty", query_codes=np.zeros((0, 2), np.uint8)),
    _bad("database_codes are empty", database_codes=np.zeros((0, 2), np.uint8)),
    _bad(r"query_codes are uint8\[5\]", query_codes=np.zeros(5, np.uint8)),
    _bad("database_codes are bool", database_codes=np.ones((20, 2), bool)),
    _bad("num_bits is 8", num_bits=8),
    _bad("num_bits is 17", num_bits=17),
    _bad("ones past bit 12", num_bits=12),
    _bad("database_codes of 1 bytes", database_codes=np.zeros((20, 1), np.uint8)),
    _bad("none of the 5 queries", ground_truth=_truth(np.full(5, 50))),
    _bad("max_rank is 0", max_rank=0),
    _bad("recall_levels are", recall_levels=(0.0, 0.5)),
    _bad("betas are", betas=(0.0,)),
    _bad("ignores 20 rows, but", ground_truth=GroundTruth.from_lists([[]] * 5, num_database=20, ignored=[range(20)] * 5)),
  ],
)  # fmt: skip
def test_unfit_input_is_refused(arguments, message):
  # Past the type checks of the tests, which users do not have.
  with pytest.raises(ValueError, match=message):
    inspect.unwrap(metrics.evaluate)(**arguments)
