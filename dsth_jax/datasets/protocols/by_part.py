"""Protocols that follow the parts of a data set."""

import numpy as np
from jaxtyping import Shaped

from dsth_jax.datasets import sampling
from dsth_jax.datasets.protocols import splits
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.types import ArrayLike


def official(
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  *,
  num_queries: int,
  seed: int,
) -> splits.Splits:
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
  parts = splits.find_parts(dataset_parts)
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
      None if ground_truth is None else ground_truth.classes,
      num_queries,
      np.random.default_rng(seed),
    )
  return splits.Splits(
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
) -> splits.Splits:
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
      the ground truth is of lists, which only the set's queries have.
  """
  if ground_truth is not None and ground_truth.has_lists:
    raise ValueError(
      "protocol holdout draws queries, but only the queries of this set have "
      "relevant images: use official or queries-in-database."
    )
  parts = splits.find_parts(dataset_parts)
  train = parts["train"]
  _check_num_queries("holdout", num_queries, len(train) - 1, "train")
  query = sampling.proportional_sample(
    train,
    None if ground_truth is None else ground_truth.classes,
    num_queries,
    np.random.default_rng(seed),
  )
  rest = np.setdiff1d(train, query)
  return splits.Splits(
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
) -> splits.Splits:
  """The test part is the queries and in the database too, as in Holidays.

  A query is left out of its ranking, and stays in those of the others. The
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
  test = splits.find_parts(dataset_parts)["test"]
  return splits.Splits(query, np.union1d(database, test), training)


def _check_num_queries(
  protocol: str, num_queries: int, limit: int, part: str
) -> None:
  if not 1 <= num_queries <= limit:
    raise ValueError(
      f"num_queries is {num_queries}, but protocol {protocol} can draw 1 to "
      f"{limit} queries from the {part} part: choose a number in between."
    )
