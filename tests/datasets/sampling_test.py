"""Data sets of which only a part is kept."""

import numpy as np
import pytest

from dsth_jax.datasets import sampling
from dsth_jax.datasets.dataset import Dataset
from dsth_jax.ground_truth import GroundTruth

PARTS = np.repeat(["train", "test", "unlabelled"], [60, 8, 4])
LABELS = np.concatenate([np.arange(60) % 3, np.arange(8) % 3, [-1] * 4])


def dataset(labels=LABELS):
  return Dataset(
    images=np.arange(72, dtype=np.uint8)[:, None, None, None].repeat(3, -1),
    ground_truth=None if labels is None else GroundTruth.leave_one_out(labels),
    class_names=("a", "b", "c"),
    parts=PARTS,
    names=tuple(f"{part}/{i}" for i, part in enumerate(PARTS)),
    skipped=(),
    fingerprint="whole",
  )


@pytest.mark.parametrize("num_training", [0, 60, 100])
def test_all_are_kept(num_training):
  whole = dataset()
  assert sampling.keep_training(whole, num_training, seed=0) is whole


@pytest.mark.parametrize("seed", range(3))
def test_classes_in_proportion_and_other_parts_whole(seed):
  kept = sampling.keep_training(dataset(), 12, seed=seed)
  classes = kept.ground_truth.classes
  assert len(kept.images) == len(kept.names) == len(kept.parts) == 24
  assert np.bincount(classes[kept.parts == "train"]).tolist() == [4, 4, 4]
  assert kept.names[12:] == dataset().names[60:]
  # Every image keeps its name, label and part.
  for image, name, label, part in zip(
    kept.images, kept.names, classes, kept.parts
  ):
    row = int(image[0, 0, 0])
    assert name == f"{part}/{row}"
    assert label == LABELS[row]
  # No image is relevant to itself.
  rows = np.arange(24)
  assert not kept.ground_truth.is_relevant(rows, rows[:, None]).any()


def test_without_labels():
  kept = sampling.keep_training(dataset(labels=None), 12, seed=0)
  assert kept.ground_truth is None
  assert np.count_nonzero(kept.parts == "train") == 12


def test_fingerprints_follow_the_sample():
  first = sampling.keep_training(dataset(), 12, seed=0).fingerprint
  assert sampling.keep_training(dataset(), 12, seed=0).fingerprint == first
  others = {
    "whole",
    sampling.keep_training(dataset(), 12, seed=1).fingerprint,
    sampling.keep_training(dataset(), 13, seed=0).fingerprint,
    sampling.keep_training(
      dataset()._replace(fingerprint="changed"), 12, seed=0
    ).fingerprint,
  }
  assert len(others) == 4
  assert first not in others


def test_images_that_a_list_names_are_kept():
  truth = GroundTruth.lists_within(
    np.array([60, 61]), [[3, 5], [5, 62]], num_images=72
  )
  whole = dataset()._replace(ground_truth=truth)
  kept = sampling.keep_training(whole, 12, seed=0)
  assert np.count_nonzero(kept.parts == "train") == 12 + 2
  found = kept.ground_truth
  pairs = {
    (kept.names[query], kept.names[row])
    for query, row in zip(*found.relevant.nonzero())
  }
  assert pairs == {
    ("test/60", "train/3"),
    ("test/60", "train/5"),
    ("test/61", "train/5"),
    ("test/61", "test/62"),
  }
  np.testing.assert_array_equal(
    found.ignored.toarray(), np.eye(len(kept.names), dtype=bool)
  )
  assert sampling.keep_training(whole, 58, seed=0) is whole
