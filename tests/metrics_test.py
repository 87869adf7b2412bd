"""Tests of the retrieval metrics against enumeration, loops and peers."""

import inspect
import itertools
import json
import math

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from dsth_jax import hamming, metrics
from dsth_jax.metrics import curves, summary
from dsth_jax.metrics import ties as ties_

LEVELS = (0.3, 0.5, 1.0)


def _thermometer(distances, num_bits=64):
  """Packed codes at the given distances from the code of zeros."""
  ones = np.arange(num_bits)[None, :] < np.asarray(distances)[:, None]
  return np.packbits(ones.astype(np.uint8), axis=1)


def _evaluate_one(distances, relevant, **options):
  """Evaluates one query of label 1 against rows at known distances."""
  codes = _thermometer([0, *distances])
  labels = np.concatenate([[1], np.asarray(relevant).astype(int)])
  return metrics.evaluate(
    codes[:1], codes[1:], labels[:1], labels[1:], num_bits=64, **options
  )


def _loop(ranked, max_rank):
  """The metrics of one ranking without ties: a list of relevances."""
  hits, precisions, cut = 0, [], 0
  for rank, relevant in enumerate(ranked, start=1):
    hits += relevant
    if relevant:
      precisions.append(hits / rank)
      cut += rank <= max_rank
  grid = curves.returned_images(min(max_rank, len(ranked)))
  return {
    "mean_average_precision": sum(precisions) / len(precisions),
    f"mean_average_precision_at_{max_rank}": sum(precisions[:cut])
    / max(cut, 1),
    "precision_at_recall": [
      precisions[math.ceil(level * len(precisions)) - 1] for level in LEVELS
    ],
    "precision_of_returned": [sum(ranked[:rank]) / rank for rank in grid],
  }


def _orders_of_ties(distances, relevant):
  """Yields the relevances in every order that the distances allow."""
  groups = [
    [r for d, r in zip(distances, relevant) if d == near]
    for near in sorted(set(distances))
  ]
  for parts in itertools.product(*map(itertools.permutations, groups)):
    yield [relevant for part in parts for relevant in part]


def _clustered(seed, num_queries, num_rows, num_bits=16, num_classes=4):
  """Codes and labels (queries, rows) of which classes share some bits."""
  rng = np.random.default_rng(seed)
  centres = rng.normal(size=(num_classes, num_bits))
  labels = [rng.integers(0, num_classes, n) for n in (num_queries, num_rows)]
  bits = [
    (centres[part] + rng.normal(size=(len(part), num_bits)) > 0)
    for part in labels
  ]
  codes = [np.packbits(part, axis=1) for part in bits]
  return (*codes, *labels)


def _assert_equal(found, expected, names=None, rtol=1e-12):
  # Float64 sums of at most some thousand terms, in another order.
  for name in names or expected:
    np.testing.assert_allclose(
      found[name], expected[name], rtol=rtol, err_msg=name
    )


def test_hand_worked_ties():
  # One relevant and one irrelevant row at distance 1, a relevant one at 2, an
  # irrelevant one at 5. Orders: (1 0 1 0) and (0 1 1 0).
  found = _evaluate_one([1, 1, 2, 5], [1, 0, 1, 0], recall_levels=(0.5, 1.0))
  _assert_equal(
    found,
    {
      "num_queries": 1,
      "num_database": 4,
      "mean_average_precision": ((1 + 2 / 3) / 2 + (1 / 2 + 2 / 3) / 2) / 2,
      "mean_average_precision_optimistic": (1 + 2 / 3) / 2,
      "mean_average_precision_pessimistic": (1 / 2 + 2 / 3) / 2,
      "precision_at_recall": [(1 + 1 / 2) / 2, 2 / 3],
      "returned_images": [1, 2, 3, 4],
      "precision_of_returned": [1 / 2, 1 / 2, 2 / 3, 1 / 2],
      "hd3p": 2 / 3,
      "hd3p_empty_share": 0,
      "nc3p": 1 / 2,
    },
  )
  at_one = _evaluate_one([1, 1, 2, 5], [1, 0, 1, 0], max_rank=1)
  assert at_one["mean_average_precision_at_1"] == 0.5
  assert at_one["mean_average_precision_at_1_pessimistic"] == 0
  assert at_one["mean_average_precision_at_1_optimistic"] == 1


def test_an_empty_ball_counts_zero():
  found = _evaluate_one([4, 5, 6, 7], [1, 0, 1, 1])
  assert (found["hd3p"], found["hd3p_empty_share"]) == (0, 1)
  assert found["nc3p"] == pytest.approx(2 / 3)


@settings(deadline=None, max_examples=40)
@given(
  st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6),
  st.integers(1, 7),
)
def test_expectation_and_bounds_over_all_orders(rows, max_rank):
  distances, relevant = zip(*rows)
  if not any(relevant):
    return
  found = _evaluate_one(
    distances, relevant, max_rank=max_rank, recall_levels=LEVELS
  )
  orders = [
    _loop(ranked, max_rank) for ranked in _orders_of_ties(distances, relevant)
  ]
  for name in orders[0]:
    every = np.array([order[name] for order in orders])
    # Cancellation of harmonic numbers of order one.
    close = {"rtol": 1e-12, "atol": 1e-13, "err_msg": name}
    np.testing.assert_allclose(found[name], every.mean(0), **close)
    if every.ndim == 1:
      bounds = found[f"{name}_pessimistic"], found[f"{name}_optimistic"]
      np.testing.assert_allclose(bounds, (every.min(), every.max()), **close)


def test_mean_over_shuffles_is_the_expectation():
  rng = np.random.default_rng(0)
  distances = rng.integers(0, 6, 120)
  relevant = rng.random(120) < 0.5 - distances / 15
  found = _evaluate_one(distances, relevant, max_rank=40, recall_levels=LEVELS)
  shuffles = [
    _loop(relevant[np.lexsort((rng.random(120), distances))].tolist(), 40)
    for _ in range(3000)
  ]
  for name in shuffles[0]:
    every = np.array([shuffle[name] for shuffle in shuffles])
    errors = every.std(0) / math.sqrt(len(every))
    # Four standard errors; where all orders agree, only rounding remains.
    assert np.all(np.abs(every.mean(0) - found[name]) <= 4 * errors + 1e-12), (
      name
    )


@pytest.mark.parametrize("max_rank", [1, 10, 64, 1000])
def test_without_ties_a_plain_loop_agrees(max_rank):
  rng = np.random.default_rng(1)
  distances = rng.permutation(64) + 1
  relevant = rng.random(64) < 0.3
  found = _evaluate_one(
    distances, relevant, max_rank=max_rank, recall_levels=LEVELS
  )
  _assert_equal(
    found, _loop(relevant[np.argsort(distances)].tolist(), max_rank)
  )


def test_without_ties_average_precision_is_scikit_learns():
  rng = np.random.default_rng(2)
  distances, relevant = rng.permutation(64) + 1, rng.random(64) < 0.3
  found = _evaluate_one(distances, relevant)
  expected = sklearn.metrics.average_precision_score(relevant, -distances)
  assert found["mean_average_precision"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
  ("before", "order", "size", "hits"),
  [
    (0, 1, 1, 1),
    (0, 1, 2, 1),
    (7, 3, 20, 3),
    (0, 1, 50_000, 1),  # the slowest continued fraction: z = 1, all ranks even
    (0, 1, 50_000, 2),
    (0, 300, 5_000, 500),
    (40_000, 3, 9_000, 4),
    (12, 2_500, 25_000, 5_000),
  ],
)
def test_mean_reciprocal_rank_is_the_negative_hypergeometric_sum(
  before, order, size, hits
):
  irrelevant = np.arange(size - hits + 1)
  chances = scipy.stats.betabinom.pmf(
    irrelevant, size - hits, order, hits - order + 1
  )
  expected = np.sum(chances / (before + order + irrelevant))
  arguments = (np.array([[x]]) for x in (before, order, size, hits))
  found = curves._mean_reciprocal(*arguments).item()
  # The rounding of the log-gammas behind scipy's chances.
  assert found == pytest.approx(expected, rel=1e-9)


def test_huge_groups_neither_overflow_nor_cancel():
  # All codes equal: in a random order every precision is the share on average.
  million = np.full((1, 1), 3_000_000)
  ties = ties_.Ties(
    0 * million, million, 0 * million, million // 3, million[0] // 3
  )
  assert ties_.average_precision(ties).expected[0] == pytest.approx(1 / 3, 1e-4)
  found = curves.precision_at_recall(ties, [0.5])[0, 0]
  assert found == pytest.approx(1 / 3, rel=1e-5)


def test_order_of_database_and_queries_means_nothing():
  queries, database, query_labels, labels = _clustered(0, 40, 500)
  options = {"num_bits": 16, "max_rank": 50}
  found = metrics.evaluate(queries, database, query_labels, labels, **options)
  rows, columns = np.random.default_rng(0).permutation(500), np.arange(40)[::-1]
  again = metrics.evaluate(
    queries[columns],
    database[rows],
    query_labels[columns],
    labels[rows],
    **options,
  )
  _assert_equal(found, again)


def test_size_of_tiles_means_nothing(monkeypatch):
  data = _clustered(0, 40, 500)
  rows = np.arange(40) * 11
  expected = metrics.evaluate(*data, num_bits=16, query_rows=rows)
  monkeypatch.setattr(hamming, "TILE_QUERIES", 7)
  monkeypatch.setattr(hamming, "TILE_DATABASE", 64)
  found = metrics.evaluate(*data, num_bits=16, query_rows=rows)
  _assert_equal(found, expected)


@pytest.mark.parametrize("max_rank", [3, 50, 1000])
def test_bounds_bracket_the_expectation(max_rank):
  found = metrics.evaluate(
    *_clustered(3, 60, 400), num_bits=16, max_rank=max_rank
  )
  for name in (
    "mean_average_precision",
    f"mean_average_precision_at_{max_rank}",
  ):
    expected = found[name]
    assert found[f"{name}_pessimistic"] < expected < found[f"{name}_optimistic"]


def test_max_rank_beyond_the_database_means_all_ranks():
  found = metrics.evaluate(*_clustered(4, 20, 90), num_bits=16, max_rank=5000)
  # Every relevant row is a hit, so the two divide by the same number.
  for end in ("", "_pessimistic", "_optimistic"):
    at = found[f"mean_average_precision_at_5000{end}"]
    assert at == pytest.approx(found[f"mean_average_precision{end}"], rel=1e-12)
  assert found["returned_images"][-1] == 90


def test_queries_without_relevant_rows_are_left_out():
  queries, database, query_labels, labels = _clustered(5, 30, 200)
  query_labels[:7] = 99
  found = metrics.evaluate(queries, database, query_labels, labels, num_bits=16)
  assert found["num_queries"] == 30
  assert found["num_queries_without_relevant"] == 7
  expected = metrics.evaluate(
    queries[7:], database, query_labels[7:], labels, num_bits=16
  )
  names = set(expected) - {"num_queries", "num_queries_without_relevant"}
  _assert_equal(found, expected, names)


def test_leaving_rows_out_is_removing_them():
  codes, _, labels, _ = _clustered(6, 50, 1)
  rows = np.array([3, 49, 20])
  found = metrics.evaluate(
    codes[rows], codes, labels[rows], labels, num_bits=16, query_rows=rows
  )
  singles = [
    metrics.evaluate(
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
    "max_f_beta_0.5",  # of the averaged curve, not the average of each
    "max_f_beta_0.25",
  }
  means = {n: np.mean([single[n] for single in singles], 0) for n in names}
  _assert_equal(found, means)


def test_one_column_a_class_is_the_class_number():
  queries, database, query_labels, labels = _clustered(7, 30, 200)
  columns = np.eye(4, dtype=bool)
  expected = metrics.evaluate(
    queries, database, query_labels + 7_000_000_000, labels + 7_000_000_000,
    num_bits=16,
  )  # fmt: skip
  for dtype in (bool, np.uint8):
    found = metrics.evaluate(
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
  found = metrics.evaluate(queries, database, query_labels, labels, num_bits=16)
  either = labels[:, 0] | labels[:, 2]
  expected = metrics.evaluate(
    queries, database, np.array([1]), either.astype(int), num_bits=16
  )
  assert found == expected


def test_one_class_only_is_all_ones():
  queries, database, *_ = _clustered(9, 10, 50)
  found = metrics.evaluate(
    queries, database, np.zeros(10, int), np.zeros(50, int), num_bits=16
  )
  values = [v for k, v in found.items() if k.startswith(("mean", "precision"))]
  np.testing.assert_allclose(np.hstack(values), 1, rtol=1e-12)
  assert found["nc3p"] == 1


def test_metrics_are_json():
  found = metrics.evaluate(*_clustered(0, 5, 20), num_bits=16)
  assert json.loads(json.dumps(found)) == found


def test_returned_images_is_a_rising_grid():
  for max_rank in (1, 2, 9, 10, 360, 1000):
    grid = curves.returned_images(max_rank)
    assert (np.diff(grid) > 0).all()
    assert (grid[0], grid[-1]) == (1, max_rank)
  assert {1, 10, 100, 1000} <= set(grid.tolist())


@pytest.mark.parametrize(
  ("precision", "expected"),
  [
    # Table III, precision at recall 0.1 .. 1, then max F at beta 0.5 and 0.25.
    (
      [0.88767, 0.84391, 0.75071, 0.65969, 0.58496, 0.52461],
      (0.64682, 0.71389),
    ),
    (
      [0.94992, 0.89647, 0.79357, 0.68076, 0.59624, 0.52627],
      (0.66769, 0.75016),
    ),
    (
      [0.81520, 0.71389, 0.57970, 0.49731, 0.43375, 0.39043],
      (0.53190, 0.62016),
    ),
    (
      [0.59888, 0.47894, 0.35179, 0.30677, 0.26113, 0.24565],
      (0.37448, 0.46301),
    ),
    ([0.1] * 6, (0.12195, 0.10559)),
  ],
)
def test_max_f_measure_reproduces_table_3(precision, expected):
  recall = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 1.0])
  found = [
    metrics.max_f_measure(np.array(precision), recall, beta=beta)
    for beta in (0.5, 0.25)
  ]
  # The table's own five digits, and those of the precisions.
  np.testing.assert_allclose(found, expected, atol=1.5e-5)


def _bad(message, **changes):
  queries, database, query_labels, labels = _clustered(0, 5, 20)
  arguments = {
    "query_codes": queries,
    "database_codes": database,
    "query_labels": query_labels,
    "database_labels": labels,
    "num_bits": 16,
  }
  return pytest.param(arguments | changes, message, id=message)


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    _bad("query_labels are float64", query_labels=np.zeros(5)),
    _bad("without labels", query_labels=np.array([None] * 5)),
    _bad("database_labels contain -1", database_labels=np.full(20, -1)),
    _bad("contain 7, but columns", query_labels=np.full((5, 2), 7)),
    _bad(r"the shape \[5, 2\]", query_labels=np.ones((5, 2), bool)),
    _bad("query_codes have 5 rows and query_labels 4", query_labels=np.ones(4, int)),
    _bad("query_codes are empty", query_codes=np.zeros((0, 2), np.uint8)),
    _bad("database_codes are empty", database_codes=np.zeros((0, 2), np.uint8)),
    _bad("num_bits is 8", num_bits=8),
    _bad("num_bits is 17", num_bits=17),
    _bad("ones past bit 12", num_bits=12),
    _bad("queries have 2 bytes", database_codes=np.zeros((20, 1), np.uint8)),
    _bad("none of the 5 queries", query_labels=np.full(5, 50)),
    _bad("max_rank is 0", max_rank=0),
    _bad("recall_levels are", recall_levels=(0.0, 0.5)),
    _bad("betas are", betas=(0.0,)),
    _bad("query_rows range over 0 .. 20", query_rows=np.array([0, 1, 2, 3, 20])),
    _bad(r"query_rows have the shape \[2\]", query_rows=np.array([0, 1])),
  ],
)  # fmt: skip
def test_unfit_input_is_refused(arguments, message):
  # Past the type checks of the tests, which users do not have.
  with pytest.raises(ValueError, match=message):
    inspect.unwrap(metrics.evaluate)(**arguments)


def test_protocol_is_what_summary_averages():
  protocol = summary.checked_protocol(10, (1.0,), (0.5,), 4)
  assert protocol.returned().tolist() == [1, 2, 3, 4]
