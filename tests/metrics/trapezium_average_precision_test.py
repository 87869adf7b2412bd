"""The rule of Oxford's and Holidays' programs, with ties and junk."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsth_jax import metrics
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.metrics.average_precision import Ties, average_precision
from dsth_jax.metrics.trapezium_average_precision import (
  trapezium_average_precision,
)


def area(ranked):
  """The rule, step by step: "junk" is passed over, as if it were absent."""
  num_relevant = ranked.count("relevant")
  total, hits, seen, recall, precision = 0.0, 0, 0, 0.0, 1.0
  for item in ranked:
    if item == "junk":
      continue
    seen, hits = seen + 1, hits + (item == "relevant")
    new_recall, new_precision = hits / num_relevant, hits / seen
    total += (new_recall - recall) * (precision + new_precision) / 2
    recall, precision = new_recall, new_precision
  return total


def evaluate(distances, items):
  """One query against rows at known distances, which are as `items` say."""
  ones = np.arange(16) < np.array([0, *distances])[:, None]
  codes = np.packbits(ones, axis=1)
  lists = [
    [[row for row, item in enumerate(items) if item == kind]]
    for kind in ("relevant", "junk")
  ]
  truth = GroundTruth.from_lists(
    lists[0], num_database=len(items), ignored=lists[1]
  )
  return metrics.evaluate(codes[:1], codes[1:], truth, num_bits=16)


def orders(distances, items):
  """Every order that the distances allow."""
  groups = [
    [item for d, item in zip(distances, items) if d == near]
    for near in sorted(set(distances))
  ]
  for parts in itertools.product(*map(itertools.permutations, groups)):
    yield [item for part in parts for item in part]


# The area by hand; (before, after) of each relevant item.
HAND_WORKED = [
  # (1, 1), (1/2, 2/3)
  (["relevant", "other", "relevant"], (1 + (1 / 2 + 2 / 3) / 2) / 2),
  # Junk first: the ranking is the one above.
  (["junk", "relevant", "other", "junk", "relevant"], (1 + 7 / 12) / 2),
  # (0, 1/2)
  (["other", "relevant"], 1 / 4),
  (["relevant", "relevant", "junk", "other"], 1.0),
]


@pytest.mark.parametrize(("ranked", "by_hand"), HAND_WORKED)
def test_hand_worked_rankings(ranked, by_hand):
  assert area(ranked) == pytest.approx(by_hand, rel=1e-12)
  found = evaluate(range(len(ranked)), ranked)
  for name in ("", "_pessimistic", "_optimistic"):
    assert found[f"map_trapezium{name}"] == pytest.approx(by_hand, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(
  st.lists(
    st.tuples(
      st.integers(0, 3), st.sampled_from(["relevant", "other", "junk"])
    ),
    min_size=1,
    max_size=6,
  ).filter(lambda rows: any(item == "relevant" for _, item in rows))
)
def test_ties_are_the_mean_and_the_bounds_of_all_orders(rows):
  distances, items = zip(*rows)
  areas = [area(list(ranked)) for ranked in orders(distances, items)]
  found = evaluate(distances, items)
  for name, value in {
    "map_trapezium": np.mean(areas),
    "map_trapezium_pessimistic": min(areas),
    "map_trapezium_optimistic": max(areas),
  }.items():
    np.testing.assert_allclose(found[name], value, rtol=1e-12)


def test_large_ties_are_the_mean_over_shuffles():
  rng = np.random.default_rng(0)
  items = np.array(["relevant"] * 30 + ["other"] * 270)
  distances = rng.integers(0, 4, 300)
  areas = []
  for _ in range(300):
    order = rng.permutation(300)
    ranked = order[np.argsort(distances[order], kind="stable")]
    areas.append(area(items[ranked].tolist()))
  found = evaluate(distances, items)["map_trapezium"]
  # Five standard errors of the mean.
  assert abs(found - np.mean(areas)) < 5 * np.std(areas) / np.sqrt(300)


def test_features_have_it_too_and_labels_do_not():
  features = np.array([[1, 0], [1, 0.1], [0.5, 1], [1, 0.5], [0, 1]])
  truth = GroundTruth.from_lists([[1, 2]], num_database=4, ignored=[[0]])
  features = features.astype(np.float32)
  found = metrics.evaluate_features(features[:1], features[1:], truth)
  # By cosine: row 0 is junk, then rows 2, 1 and 3.
  expected = area(["junk", "relevant", "relevant", "other"])
  assert found["map_trapezium"] == pytest.approx(expected, rel=1e-12)
  labels = GroundTruth.from_labels(np.array([1]), np.array([1, 0, 1, 0]))
  found = metrics.evaluate_features(features[:1], features[1:], labels)
  assert "map_trapezium" not in found


def test_it_is_below_rectangles_except_where_all_hits_come_first():
  before, size, hits = np.array([[0, 2, 5]]), np.array([[2, 3, 1]]), [[2, 1, 1]]
  ties = Ties(
    before, size, np.array([[0, 2, 3]]), np.array(hits), np.array([4])
  )
  for ours, theirs in zip(
    average_precision(ties), trapezium_average_precision(ties)
  ):
    assert theirs[0] < ours[0] < 1
  first = Ties(before[:, :1], size[:, :1], *map(np.array, ([[0]], [[2]], [2])))
  assert trapezium_average_precision(first).expected[0] == 1
