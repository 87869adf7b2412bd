"""Protocols: the queries, the database and the training images.

Beside the parts "train" and "test" a data set can have "database", images that
are only searched, and "unlabelled", images that only train, wherever the whole
database trains.

>>> import numpy as np
>>> parts = np.array(["train"] * 6 + ["test"] * 2)
>>> official(parts, None, num_queries=0, seed=0)
Splits(query=array([6, 7]), database=array([0, 1, 2, 3, 4, 5]),
       training=array([0, 1, 2, 3, 4, 5]))
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, Shaped

from dsth_jax.datasets import class_numbers, sampling
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.types import ArrayLike

# Training images of each class, where the field learns from a part.
_TRAINING = 500


class Splits(NamedTuple):
  """Ascending indices of images; no query is a training image.

  Where a query is in the database, the ground truth of a set ignores it for
  itself.

  Attributes:
    query: of the queries.
    database: of the database.
    training: of the training images; part of the database, or the database
      and the unlabelled images.
  """

  query: Int64[np.ndarray, "q"]
  database: Int64[np.ndarray, "m"]
  training: Int64[np.ndarray, "t"]


def official(
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  *,
  num_queries: int,
  seed: int,
) -> Splits:
  """The test part is the queries, the train part is database and training.

  Args:
    dataset_parts: "train", "test", "database" or "unlabelled" for every image.
    ground_truth: with one class for each image, a sample keeps the classes in
      proportion; otherwise all images are drawn with equal probability.
    num_queries: 0 for the whole test part, else the size of a sample of it.
    seed: of the sample.

  Raises:
    ValueError: a part is missing, or the test part is smaller than the sample.
  """
  parts = _parts(dataset_parts)
  train, test = parts["train"], parts["test"]
  if not len(test) or not len(train):
    raise ValueError(
      f"protocol official needs a train and a test part, but the images have "
      f"{len(train)} and {len(test)} there: use the protocol holdout, which "
      "draws its queries from the train part."
    )
  query = test
  if num_queries:
    _check_num_queries("official", num_queries, len(test), "test")
    query = sampling.proportional_sample(
      test,
      class_numbers.known_classes(ground_truth),
      num_queries,
      np.random.default_rng(seed),
    )
  return Splits(
    query,
    np.union1d(train, parts["database"]),
    np.union1d(train, parts["unlabelled"]),
  )


def holdout(
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  *,
  num_queries: int,
  seed: int,
) -> Splits:
  """A sample of the train part is the queries, the rest database and training.

  The test part, if there is one, is not used: settings chosen by these queries
  can be measured there without bias.

  Args:
    dataset_parts: as in `official`.
    ground_truth: as in `official`, but not of lists.
    num_queries: size of the sample.
    seed: of the sample.

  Raises:
    ValueError: the train part does not hold more images than the sample, or
      the ground truth is of lists, which only the set's own queries have.
  """
  if ground_truth is not None and ground_truth.has_lists:
    raise ValueError(
      "protocol holdout draws queries, but only this set's own queries have "
      "relevant images: use official or queries-in-database."
    )
  parts = _parts(dataset_parts)
  train = parts["train"]
  _check_num_queries("holdout", num_queries, len(train) - 1, "train")
  query = sampling.proportional_sample(
    train,
    class_numbers.known_classes(ground_truth),
    num_queries,
    np.random.default_rng(seed),
  )
  rest = np.setdiff1d(train, query)
  return Splits(
    query,
    np.union1d(rest, parts["database"]),
    np.union1d(rest, parts["unlabelled"]),
  )


def queries_in_database(
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  *,
  num_queries: int,
  seed: int,
) -> Splits:
  """The test part is the queries and in the database too, as in Holidays.

  A query is left out of its own ranking, and stays in those of the others. The
  training images are the train part: nothing is learned from a query.

  Args:
    dataset_parts: as in `official`.
    ground_truth: as in `official`; of all images against each other.
    num_queries: as in `official`.
    seed: of the sample.

  Raises:
    ValueError: as in `official`.
  """
  query, database, training = official(
    dataset_parts, ground_truth, num_queries=num_queries, seed=seed
  )
  test = _parts(dataset_parts)["test"]
  return Splits(query, np.union1d(database, test), training)


def cifar10_official(
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  *,
  num_queries: int,
  seed: int,
) -> Splits:
  """The test part is the queries, the train part database, 500 a class training.

  CIFAR-10 gives 10,000, 50,000 and 5,000.

  Args:
    dataset_parts: as in `official`.
    ground_truth: as in `cifar10_1`; images without a class do not train.
    num_queries: as in `official`.
    seed: of the samples.

  Raises:
    ValueError: as in `official` and `cifar10_1`.
  """
  classes = class_numbers.required_classes("cifar10-official", ground_truth)
  query, database, _ = official(
    dataset_parts, ground_truth, num_queries=num_queries, seed=seed
  )
  is_train = np.asarray(dataset_parts) == "train"
  known = np.where(is_train, classes, -1)
  # A stream of its own: the training images do not depend on num_queries.
  rng = np.random.default_rng((seed, 1))
  chosen = [
    rng.permutation(indices)[:_TRAINING]
    for indices in class_numbers.members("cifar10-official", known, _TRAINING)
  ]
  return Splits(query, database, np.sort(np.concatenate(chosen)))


def cifar10_1(
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  *,
  num_queries: int,
  seed: int,
) -> Splits:
  """100 queries of each class, the rest database, 500 of each class training.

  CIFAR-10 gives 1,000, 59,000 and 5,000.

  Args:
    dataset_parts: as in `official`.
    ground_truth: at most one class for each image. Images without one are never
      queries.
    num_queries: 0, or the number that follows from the protocol.
    seed: of the samples.

  Raises:
    ValueError: images can have several classes or have none, or a class has
      fewer than 600 images.
  """
  return _per_class(
    "cifar10-1",
    dataset_parts,
    ground_truth,
    (100, _TRAINING),
    num_queries=num_queries,
    seed=seed,
  )


def cifar10_2(
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  *,
  num_queries: int,
  seed: int,
) -> Splits:
  """1,000 queries of each class, the rest database and training.

  CIFAR-10 gives 10,000, 50,000 and 50,000.

  Args:
    dataset_parts: as in `official`.
    ground_truth: as in `cifar10_1`.
    num_queries: 0, or the number that follows from the protocol.
    seed: of the sample.

  Raises:
    ValueError: images can have several classes or have none, or a class has
      at most 1,000 images.
  """
  return _per_class(
    "cifar10-2",
    dataset_parts,
    ground_truth,
    (1000, None),
    num_queries=num_queries,
    seed=seed,
  )


PROTOCOLS = {
  "official": official,
  "holdout": holdout,
  "queries-in-database": queries_in_database,
  "cifar10-official": cifar10_official,
  "cifar10-1": cifar10_1,
  "cifar10-2": cifar10_2,
}


def _parts(
  dataset_parts: Shaped[ArrayLike, "n"],
) -> dict[str, Int64[np.ndarray, "_"]]:
  """Returns the images of every part; a part that a set lacks is empty."""
  parts = np.asarray(dataset_parts)
  names = ("train", "database", "test", "unlabelled")
  return {name: np.flatnonzero(parts == name) for name in names}


def _check_num_queries(
  protocol: str, num_queries: int, limit: int, part: str
) -> None:
  if not 1 <= num_queries <= limit:
    raise ValueError(
      f"num_queries is {num_queries}, but protocol {protocol} can draw 1 to "
      f"{limit} queries from the {part} part: choose a number in between."
    )


def _per_class(
  protocol: str,
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  sizes: tuple[int, int | None],
  *,
  num_queries: int,
  seed: int,
) -> Splits:
  """Draws queries and training images; None trains on the whole database."""
  queries, training = sizes
  classes = class_numbers.required_classes(protocol, ground_truth)
  members = class_numbers.members(protocol, classes, queries + (training or 1))
  if num_queries not in (0, queries * len(members)):
    raise ValueError(
      f"num_queries is {num_queries}, but protocol {protocol} has {queries} a "
      f"class, which is {queries * len(members)}: leave it at 0."
    )
  rng = np.random.default_rng(seed)
  shuffled = [rng.permutation(indices) for indices in members]
  query = np.sort(np.concatenate([s[:queries] for s in shuffled]))
  parts = _parts(dataset_parts)
  unlabelled = parts.pop("unlabelled")
  database = np.setdiff1d(np.concatenate([*parts.values()]), query)
  if training is None:
    return Splits(query, database, np.union1d(database, unlabelled))
  chosen = [s[queries : queries + training] for s in shuffled]
  return Splits(query, database, np.sort(np.concatenate(chosen)))
