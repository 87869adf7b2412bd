"""The means over ties against enumeration, loops and scikit-learn."""

import itertools
import math

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from dsth_jax import metrics
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.metrics import average_precision, curves

LEVELS = (0.3, 0.5, 1.0)


def _thermometer(distances, num_bits=64):
  """Packed codes at the given distances from the code of zeros."""
  ones = np.arange(num_bits)[None, :] < np.asarray(distances)[:, None]
  return np.packbits(ones.astype(np.uint8), axis=1)


def _evaluate_one(distances, relevant, **options):
  """Evaluates one query of label 1 against rows at known distances."""
  codes = _thermometer([0, *distances])
  truth = GroundTruth.from_labels(
    np.array([1]), np.asarray(relevant).astype(int)
  )
  return metrics.evaluate(codes[:1], codes[1:], truth, num_bits=64, **options)


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


def test_huge_groups_neither_overflow_nor_cancel():
  # All codes equal: in a random order every precision is the share on average.
  million = np.full((1, 1), 3_000_000)
  ties = average_precision.Ties(
    0 * million, million, 0 * million, million // 3, million[0] // 3
  )
  assert average_precision.average_precision(ties).expected[0] == pytest.approx(
    1 / 3, 1e-4
  )
  found = curves.precision_at_recall(ties, [0.5])[0, 0]
  assert found == pytest.approx(1 / 3, rel=1e-5)
