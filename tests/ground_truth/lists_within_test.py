"""Ground truth of a whole set whose queries come with lists."""

import inspect

import numpy as np
import pytest

from dsth_jax.ground_truth import GroundTruth


def draw(seed=0, num_images=40, num_queries=7):
  """Queries, and lists that hold the query itself."""
  rng = np.random.default_rng(seed)
  rows = rng.permutation(num_images)[:num_queries]
  shuffled = [rng.permutation(num_images) for _ in rows]
  relevant = [np.append(order[:5], row) for row, order in zip(rows, shuffled)]
  ignored = [
    np.setdiff1d(order[5 : 5 + size], [row])
    for size, (row, order) in enumerate(zip(rows, shuffled))
  ]
  return rows, relevant, ignored


def test_queries_have_their_lists_and_no_image_has_itself():
  rows, relevant, ignored = draw()
  truth = GroundTruth.lists_within(
    rows, relevant, num_images=40, ignored=ignored
  )
  expected, left_out = np.zeros((40, 40), bool), np.eye(40, dtype=bool)
  for row, listed, junk in zip(rows, relevant, ignored):
    expected[row, listed] = True
    left_out[row, junk] = True
  np.fill_diagonal(expected, False)
  np.testing.assert_array_equal(truth.relevant.toarray(), expected)
  np.testing.assert_array_equal(truth.ignored.toarray(), left_out)


def test_a_query_in_the_database_ignores_itself_and_keeps_the_others():
  rows, relevant, _ = draw()
  truth = GroundTruth.lists_within(rows, relevant, num_images=40)
  found = truth.select(rows, np.arange(40))
  np.testing.assert_array_equal(
    found.ignored.toarray(), rows[:, None] == np.arange(40)[None]
  )
  assert truth.has_lists
  assert not GroundTruth.leave_one_out(rows).has_lists
  assert truth.classes is None


def test_memory_grows_with_the_images_and_not_with_their_pairs():
  size = 1_000_000
  truth = GroundTruth.lists_within(
    np.arange(500), [[row + 500] for row in range(500)], num_images=size
  )
  assert (truth.relevant.nnz, truth.ignored.nnz) == (500, size)
  found = truth.select(np.arange(500), np.arange(500, size))
  assert (found.relevant.nnz, found.ignored) == (500, None)


@pytest.mark.parametrize(
  ("rows", "relevant", "message"),
  [
    ([1, 1], [[0], [2]], "name 1 images in 2 rows, and relevant has 2 lists"),
    ([1, 2], [[0]], "name 2 images in 2 rows, and relevant has 1 lists"),
    ([1, 3], [[0], [2]], "query_rows range over 1 .. 3"),
    ([1], [[3]], "relevant range over 3 .. 3"),
  ],
)
def test_unfit_lists_are_refused(rows, relevant, message):
  function = inspect.unwrap(GroundTruth.lists_within.__func__)
  with pytest.raises(ValueError, match=message):
    function(GroundTruth, np.array(rows), relevant, num_images=3)
