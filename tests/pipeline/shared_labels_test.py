import numpy as np
import pytest

from dsth_jax import datasets
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.pipeline import shared_labels

QUERY, DATABASE = np.array([0, 1, 2]), np.arange(2, 8)
SPLITS = datasets.Splits(QUERY, DATABASE, DATABASE)


def truths():
  rng = np.random.default_rng(0)
  classes = np.array([3, 9, -1, 3, 3, 7, -1, 7])
  several = rng.integers(0, 2, (8, 3), dtype=np.uint8)
  several[1] = 0
  lists = [[3, 4], [], [2], [], [], [], [], []]
  yield GroundTruth.leave_one_out(classes)
  yield GroundTruth.leave_one_out(several)
  yield GroundTruth.from_lists(lists, num_database=8)


@pytest.mark.parametrize(
  "truth", [*truths()], ids=["classes", "several", "lists"]
)
def test_it_is_what_comparing_every_pair_finds(truth):
  selected = truth.select(QUERY, DATABASE)
  every = np.tile(np.arange(len(DATABASE)), (len(QUERY), 1))
  expected = selected.is_relevant(np.arange(len(QUERY)), every).any(1)
  found = shared_labels.has_relevant(selected)
  np.testing.assert_array_equal(found, expected)
  assert not found.all()


def a_set(classes):
  truth = GroundTruth.leave_one_out(np.asarray(classes))
  parts = np.repeat(["train"], 8)
  names = tuple("abcdefgh")
  return datasets.Dataset([], truth, names, parts, names, (), "")


def test_labels_that_no_query_shares_are_left_out(caplog):
  found = shared_labels.keep_measurable(a_set(range(8)), SPLITS)
  assert found.ground_truth is None
  assert found.class_names == ()
  assert "None of the 3 queries shares a label" in caplog.text


def test_labels_that_some_queries_share_stay(caplog):
  dataset = a_set([0, 1, 2, 0, 4, 5, 6, 7])
  assert shared_labels.keep_measurable(dataset, SPLITS) is dataset
  assert "2 of the 3 queries have no relevant image" in caplog.text
