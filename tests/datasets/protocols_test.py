"""Laws of the protocols: disjoint, sized, balanced, determined by the seed."""

import numpy as np
import pytest

from dsth_jax import datasets
from dsth_jax.datasets import protocols
from dsth_jax.ground_truth import GroundTruth

CIFAR10_LABELS = np.random.default_rng(0).permutation(
  np.repeat(np.arange(10), 6000)
)
CIFAR10_PARTS = np.repeat(["train", "test"], [50_000, 10_000])


CIFAR10 = ["cifar10-official", "cifar10-1", "cifar10-2"]

# Protocol, num_queries and the sizes that follow on CIFAR-10.
SIZES = [
  ("official", 0, 10_000, 50_000, 50_000),
  ("official", 1_000, 1_000, 50_000, 50_000),
  ("holdout", 2_000, 2_000, 48_000, 48_000),
  ("cifar10-official", 0, 10_000, 50_000, 5_000),
  ("cifar10-official", 1_000, 1_000, 50_000, 5_000),
  ("cifar10-1", 0, 1_000, 59_000, 5_000),
  ("cifar10-1", 1_000, 1_000, 59_000, 5_000),
  ("cifar10-2", 0, 10_000, 50_000, 50_000),
]


def cifar10(name, num_queries=0, seed=0, labels=CIFAR10_LABELS):
  truth = None if labels is None else GroundTruth.leave_one_out(labels)
  return datasets.PROTOCOLS[name](
    CIFAR10_PARTS, truth, num_queries=num_queries, seed=seed
  )


@pytest.mark.parametrize(("name", "num_queries", "q", "m", "t"), SIZES)
def test_sizes_and_disjointness(name, num_queries, q, m, t):
  splits = cifar10(name, num_queries)
  assert tuple(map(len, splits)) == (q, m, t)
  for indices in splits:
    assert indices.dtype == np.int64
    assert np.all(np.diff(indices) > 0)  # ascending and distinct
    assert indices[0] >= 0
    assert indices[-1] < 60_000
  assert not np.intersect1d(splits.query, splits.database).size
  assert np.isin(splits.training, splits.database).all()


@pytest.mark.parametrize(("name", "num_queries"), [row[:2] for row in SIZES])
def test_seed_determines_the_splits(name, num_queries):
  first, again = cifar10(name, num_queries), cifar10(name, num_queries)
  for one, other in zip(first, again):
    np.testing.assert_array_equal(one, other)
  other = cifar10(name, num_queries, seed=1)
  # The official queries are all of the test part.
  drawn = num_queries or name in ("cifar10-1", "cifar10-2")
  assert np.array_equal(first.query, other.query) != bool(drawn)
  if len(first.training) == 5_000:
    assert not np.array_equal(first.training, other.training)


@pytest.mark.parametrize(("name", "num_queries"), [row[:2] for row in SIZES])
def test_every_class_has_the_same_size(name, num_queries):
  splits = cifar10(name, num_queries)
  # The parts themselves are a random cut of the labels: not balanced.
  if name == "cifar10-official":
    counts = np.bincount(CIFAR10_LABELS[splits.training])
    np.testing.assert_array_equal(counts, 500)
  elif name.startswith("cifar10"):
    for indices in splits:
      counts = np.bincount(CIFAR10_LABELS[indices])
      np.testing.assert_array_equal(counts, len(indices) // 10)


@pytest.mark.parametrize("name", ["official", "holdout"])
def test_sample_keeps_proportions(name):
  # Shares of 25.6, 12.8 and 1.6 queries: within one image of that.
  labels = np.repeat([0, 1, 2], [640, 320, 40])
  parts = np.full(1000, "test" if name == "official" else "train")
  labels, parts = np.append(labels, 0), np.append(parts, "train")
  for seed in range(20):
    splits = datasets.PROTOCOLS[name](
      parts, GroundTruth.leave_one_out(labels), num_queries=40, seed=seed
    )
    counts = np.bincount(labels[splits.query], minlength=3)
    assert np.all(np.abs(counts - [25.6, 12.8, 1.6]) < 1)


def test_sample_draws_every_image_with_equal_probability():
  parts = np.full(11, "train")
  truth = GroundTruth.leave_one_out(np.repeat([0, 1], [8, 3]))
  drawn = np.zeros(11)
  for seed in range(1000):
    splits = protocols.holdout(parts, truth, num_queries=4, seed=seed)
    drawn[splits.query] += 1
  # Binomial(1000, 4 / 11): 364 with a standard deviation of 15.2; five of it.
  assert np.all(np.abs(drawn - 1000 * 4 / 11) < 5 * 15.2)


def test_official_is_the_parts():
  splits = cifar10("official")
  np.testing.assert_array_equal(splits.query, np.arange(50_000, 60_000))
  np.testing.assert_array_equal(splits.database, np.arange(50_000))


def test_cifar10_official_trains_on_a_part_of_the_train_part():
  whole, part = cifar10("official", 500), cifar10("cifar10-official", 500)
  np.testing.assert_array_equal(part.query, whole.query)
  np.testing.assert_array_equal(part.database, whole.database)
  all_queries = cifar10("cifar10-official")
  np.testing.assert_array_equal(part.training, all_queries.training)


def test_cifar10_official_needs_enough_of_a_class_in_the_train_part():
  labels = np.repeat([0, 7], [1200, 600])
  parts = np.full(1800, "train")
  parts[-101:] = "test"
  with pytest.raises(ValueError, match=r"500 images .* class 7 has 499"):
    protocols.cifar10_official(
      parts, GroundTruth.leave_one_out(labels), num_queries=0, seed=0
    )


def test_holdout_does_not_use_the_test_part():
  splits = cifar10("holdout", 1_000)
  both = np.union1d(splits.query, splits.database)
  np.testing.assert_array_equal(both, np.arange(50_000))


@pytest.mark.parametrize("name", ["official", "holdout"])
def test_works_without_labels(name):
  splits = cifar10(name, 100, labels=None)
  assert len(splits.query) == 100
  assert not np.intersect1d(splits.query, splits.database).size


def test_images_without_a_label_do_not_train():
  labels = CIFAR10_LABELS.copy()
  labels[:200] = -1
  splits = cifar10("cifar10-official", labels=labels)
  assert (labels[splits.training] >= 0).all()
  assert np.isin(np.arange(200), splits.database).all()


@pytest.mark.parametrize("name", ["cifar10-1", "cifar10-2"])
def test_images_without_a_label_are_never_queries(name):
  labels = CIFAR10_LABELS.copy()
  labels[:200] = -1
  splits = cifar10(name, labels=labels)
  assert (labels[splits.query] >= 0).all()
  assert np.isin(np.arange(200), splits.database).all()
  assert np.isin(np.arange(200), splits.training).any() == (name == "cifar10-2")


def test_official_needs_a_test_part():
  with pytest.raises(ValueError, match="use the protocol holdout"):
    protocols.official(np.full(9, "train"), None, num_queries=0, seed=0)


@pytest.mark.parametrize("num_queries", [-1, 11])
def test_official_needs_enough_queries(num_queries):
  parts = np.repeat(["train", "test"], 10)
  with pytest.raises(ValueError, match="1 to 10 queries from the test part"):
    protocols.official(parts, None, num_queries=num_queries, seed=0)


@pytest.mark.parametrize("num_queries", [0, 9])
def test_holdout_needs_enough_images(num_queries):
  with pytest.raises(ValueError, match="1 to 8 queries from the train part"):
    protocols.holdout(
      np.full(9, "train"), None, num_queries=num_queries, seed=0
    )


def test_images_of_the_database_only_do_not_train():
  parts = np.array(["train"] * 9 + ["database"] * 3 + ["test"] * 2)
  official = protocols.official(parts, None, num_queries=0, seed=0)
  np.testing.assert_array_equal(official.database, np.arange(12))
  np.testing.assert_array_equal(official.training, np.arange(9))
  drawn = protocols.holdout(parts, None, num_queries=4, seed=0)
  assert np.isin(drawn.query, np.arange(9)).all()
  np.testing.assert_array_equal(
    drawn.database, np.setdiff1d(np.arange(12), drawn.query)
  )
  np.testing.assert_array_equal(
    drawn.training, np.setdiff1d(np.arange(9), drawn.query)
  )


@pytest.mark.parametrize("num_queries", [0, 3])
def test_queries_in_the_database_ignore_themselves_and_do_not_train(
  num_queries,
):
  parts = np.repeat(["train", "test"], [12, 5])
  truth = GroundTruth.lists_within(
    np.arange(12, 17), [[row - 12] for row in range(12, 17)], num_images=17
  )
  query, database, training = protocols.queries_in_database(
    parts, truth, num_queries=num_queries, seed=0
  )
  assert len(query) == (num_queries or 5)
  np.testing.assert_array_equal(database, np.arange(17))
  np.testing.assert_array_equal(training, np.arange(12))
  assert not np.intersect1d(query, training).size
  np.testing.assert_array_equal(
    truth.select(query, database).ignored.toarray(), query[:, None] == database
  )


def test_holdout_refuses_lists():
  truth = GroundTruth.lists_within(np.array([2]), [[0]], num_images=3)
  parts = np.array(["train", "train", "test"])
  with pytest.raises(ValueError, match="use official or queries-in"):
    protocols.holdout(parts, truth, num_queries=1, seed=0)


@pytest.mark.parametrize("name", CIFAR10)
def test_cifar10_protocols_refuse_lists(name):
  truth = GroundTruth.lists_within(np.array([2]), [[0]], num_images=3)
  with pytest.raises(
    ValueError, match=r"have lists .* use the protocol official"
  ):
    datasets.PROTOCOLS[name](
      np.array(["train", "train", "test"]), truth, num_queries=0, seed=0
    )


@pytest.mark.parametrize("name", CIFAR10)
def test_cifar10_protocols_need_labels(name):
  with pytest.raises(ValueError, match="no labels: use the protocol holdout"):
    cifar10(name, labels=None)


@pytest.mark.parametrize("name", ["official", "holdout"])
def test_several_labels_draw_like_no_labels(name):
  several = np.eye(10, dtype=bool)[CIFAR10_LABELS]
  found, expected = (
    cifar10(name, 100, labels=labels) for labels in (several, None)
  )
  np.testing.assert_array_equal(found.query, expected.query)


@pytest.mark.parametrize("name", CIFAR10)
def test_cifar10_protocols_refuse_several_labels(name):
  with pytest.raises(ValueError, match="several labels: use the protocol"):
    cifar10(name, labels=np.eye(10, dtype=bool)[CIFAR10_LABELS])


def test_cifar10_protocols_need_enough_of_a_class():
  labels = np.repeat([0, 7], [600, 599])
  with pytest.raises(ValueError, match=r"600 images .* class 7 has 599"):
    protocols.cifar10_1(
      np.full(1199, "train"),
      GroundTruth.leave_one_out(labels),
      num_queries=0,
      seed=0,
    )


def test_cifar10_protocols_fix_their_queries():
  with pytest.raises(ValueError, match="100 a class, which is 1000: leave it"):
    cifar10("cifar10-1", 500)


@pytest.mark.parametrize(("name", "num_queries"), [row[:2] for row in SIZES])
def test_unlabelled_images_only_train(name, num_queries):
  parts = np.concatenate([CIFAR10_PARTS, np.repeat("unlabelled", 100)])
  labels = np.concatenate([CIFAR10_LABELS, np.repeat(-1, 100)])
  with_them = datasets.PROTOCOLS[name](
    parts,
    GroundTruth.leave_one_out(labels),
    num_queries=num_queries,
    seed=0,
  )
  without = cifar10(name, num_queries)
  np.testing.assert_array_equal(with_them.query, without.query)
  np.testing.assert_array_equal(with_them.database, without.database)
  whole = len(without.training) == len(without.database)
  unlabelled = np.arange(60_000, 60_100) if whole else []
  np.testing.assert_array_equal(
    with_them.training, np.union1d(without.training, unlabelled)
  )
