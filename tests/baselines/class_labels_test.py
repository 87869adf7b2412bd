"""Labels, where every supervised method on features has them checked."""

import inspect

import jax
import numpy as np
import pytest
from support.labeled_points import labeled_features

from dsth_jax import codes, metrics
from dsth_jax.baselines import BASELINES, class_labels, itq
from dsth_jax.ground_truth import GroundTruth

supervised = pytest.mark.parametrize(
  "name",
  [
    name
    for name, method in BASELINES.items()
    if method.supervised and not method.network
  ],
)


def _fit(name, features, labels, *, num_bits=9):
  # Past the type checks of the tests, which users do not have.
  fit = inspect.unwrap(BASELINES[name].fit)
  return fit(features, labels, num_bits=num_bits, key=jax.random.key(0))


@supervised
@pytest.mark.parametrize(
  ("labels", "message"),
  [
    (None, "no labels"),
    (np.arange(299) % 3, r"labels of shape \[299\] for 300 images"),
    (np.eye(3, dtype=int)[np.arange(300) % 3], r"labels of shape \[300, 3\]"),
    (np.zeros(300, int), "labels of 1 class"),
    (np.arange(300) % 3 - 1, "int64 labels from -1 on"),
    (np.linspace(0.0, 1.0, 300), "float64 labels from 0.0 on"),
  ],
)
def test_labels_that_nothing_can_be_learned_from_are_refused(
  name, labels, message
):
  features, _ = labeled_features()
  with pytest.raises(ValueError, match=f"^{name} was given {message}.*: "):
    _fit(name, features, labels)


@supervised
def test_names_of_classes_mean_nothing(name):
  features, classes = labeled_features()
  expected = _fit(name, features, classes).encode(features)
  renamed = np.array(["ant", "bee", "cat", "dog"])[classes]
  for labels in (renamed, 10 * classes.astype(np.uint8)):
    found = _fit(name, features, labels).encode(features)
    np.testing.assert_array_equal(found, expected)


@supervised
def test_new_images_find_their_class_better_than_without_labels(name, key):
  features, classes = labeled_features(600)
  learned, queries = slice(0, 400), slice(400, None)

  def precision(encoder):
    packed = codes.pack(encoder.encode(features))
    return metrics.evaluate(
      packed[queries],
      packed[learned],
      GroundTruth.from_labels(classes[queries], classes[learned]),
      num_bits=12,
    )["mean_average_precision"]

  encoder = _fit(name, features[learned], classes[learned], num_bits=12)
  unsupervised = itq.fit(features[learned], num_bits=12, key=key)
  # Chance is 1/4.
  assert precision(encoder) > precision(unsupervised) + 0.15


def test_balanced_rows_for_0_are_all_rows(key):
  classes = np.repeat(np.arange(4), [3, 50, 20, 27])
  rows = class_labels.balanced_rows(classes, 0, key=key)
  np.testing.assert_array_equal(np.sort(rows), np.arange(100))


def test_a_negative_number_of_labels_is_refused(key):
  message = "num_labelled is -1, .* set 1 or more, or 0 for all"
  with pytest.raises(ValueError, match=message):
    class_labels.balanced_rows(np.arange(4) % 2, -1, key=key)


@pytest.mark.parametrize("num_rows", [1, 7, 40, 100, 1000])
def test_balanced_rows_take_from_each_class_equally(num_rows, key):
  sizes = [3, 50, 20, 27]
  classes = np.repeat(np.arange(4), sizes)
  rows = class_labels.balanced_rows(classes, num_rows, key=key)
  assert len(np.unique(rows)) == len(rows) == min(num_rows, 100)
  left, expected = np.array(sizes), np.zeros(4, int)
  while expected.sum() < num_rows and left.any():
    taken = (left > 0) & (expected.sum() + np.cumsum(left > 0) <= num_rows)
    left, expected = left - taken, expected + taken
  np.testing.assert_array_equal(
    np.bincount(classes[rows], minlength=4), expected
  )


def test_balanced_rows_differ_with_another_key():
  classes = np.arange(100) % 5
  first, other = (
    class_labels.balanced_rows(classes, 50, key=jax.random.key(seed))
    for seed in (0, 1)
  )
  assert set(first) != set(other)
