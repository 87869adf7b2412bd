"""A set of labels only."""

import numpy as np
import pytest

from dsth_jax import datasets


def _load(path, labels):
  np.save(path / "labels.npy", labels)
  return datasets.load("features", labels_file=str(path / "labels.npy"))


def test_labels_are_the_classes_in_order(tmp_path):
  given = np.array([7, 3, 7, 11])
  dataset = _load(tmp_path, given)
  assert len(dataset.images) == 0
  assert dataset.class_names == ("3", "7", "11")
  names = np.array(dataset.class_names)[dataset.ground_truth.classes]
  np.testing.assert_array_equal(names.astype(int), given)
  assert len(dataset.names) == len(set(dataset.names)) == 4


def test_negative_numbers_are_no_labels(tmp_path):
  dataset = _load(tmp_path, np.array([7, -1, 3, -5]))
  assert dataset.class_names == ("3", "7")
  np.testing.assert_array_equal(dataset.ground_truth.classes, [1, -1, 0, -1])
  assert _load(tmp_path, np.array([-1, -1])).ground_truth is None


def test_other_labels_are_another_set(tmp_path):
  first = _load(tmp_path, np.array([0, 1, 1])).fingerprint
  assert _load(tmp_path, np.array([0, 1, 1])).fingerprint == first
  assert _load(tmp_path, np.array([0, 1, 0])).fingerprint != first


@pytest.mark.parametrize(
  ("labels", "message"),
  [
    (np.ones((3, 2), int), r"int64 of shape \[3, 2\]"),
    (np.ones(3), r"float64 of shape \[3\]"),
  ],
)
def test_another_kind_of_array_is_refused(tmp_path, labels, message):
  with pytest.raises(ValueError, match=f"labels.npy holds {message}"):
    _load(tmp_path, labels)


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(ValueError, match=r"missing\.npy cannot be read"):
    datasets.load("features", labels_file=str(tmp_path / "missing.npy"))
