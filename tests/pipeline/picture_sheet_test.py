"""The picture sheet against a sorted list."""

import types

import ml_collections
import numpy as np
import pytest

from dsth_jax import datasets
from dsth_jax.datasets.dataset import Dataset
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import picture_sheet

NUM_IMAGES, NUM_QUERIES, NUM_RESULTS = 40, 6, 10


def make_data(truth, database):
  images = np.arange(NUM_IMAGES, dtype=np.uint8)[:, None, None, None]
  dataset = Dataset(
    images=images.repeat(3, -1),
    ground_truth=truth,
    class_names=(),
    parts=np.full(NUM_IMAGES, "train"),
    names=tuple(map(str, range(NUM_IMAGES))),
    skipped=(),
    fingerprint="",
  )
  splits = datasets.Splits(np.arange(NUM_QUERIES), database, database[:1])
  artifact = types.SimpleNamespace()
  return data_lib.Data.__new__(data_lib.Data, dataset, splits, artifact)


def make_sheet(truth, database, packed):
  config = ml_collections.ConfigDict(
    {"seed": 0, "eval": {"sheet_queries": 4, "sheet_results": NUM_RESULTS}}
  )
  return picture_sheet.picture_sheet(config, make_data(truth, database), packed)


@pytest.mark.parametrize("is_in_database", [True, False])
@pytest.mark.parametrize("has_lists", [True, False])
def test_results_are_the_first_rows_that_a_query_does_not_ignore(
  is_in_database, has_lists
):
  rng = np.random.default_rng(0)
  packed = rng.integers(0, 256, (NUM_IMAGES, 1), np.uint8)
  database = np.arange(0 if is_in_database else NUM_QUERIES, NUM_IMAGES)
  relevant = [rng.permutation(20)[:5] + 20 for _ in range(NUM_QUERIES)]
  # The nearest images of query 1 are junk.
  near = np.argsort(np.bitwise_count(packed[:, 0] ^ packed[1, 0]))
  junk = [[] for _ in range(NUM_QUERIES)]
  junk[1] = np.setdiff1d(near[:8], [*relevant[1], 1])
  truth = None
  if has_lists:
    truth = GroundTruth.lists_within(
      np.arange(NUM_QUERIES), relevant, num_images=NUM_IMAGES, ignored=junk
    )
  sheet = make_sheet(truth, database, packed)
  assert len(sheet.queries) == 4
  for i, name in enumerate(sheet.query_names):
    query = int(name)
    left_out = [query, *junk[query]] if has_lists else []
    distances = np.bitwise_count(packed[:, 0] ^ packed[query, 0])
    expected = [
      row
      for row in sorted(database, key=lambda row: (distances[row], row))
      if row not in left_out
    ][:NUM_RESULTS]
    assert sheet.result_names[i] == [str(row) for row in expected]
    assert sheet.distances[i] == distances[expected].tolist()
    assert [image[0, 0, 0] for image in sheet.results[i]] == expected
    if has_lists:
      assert sheet.relevant[i] == np.isin(expected, relevant[query]).tolist()
