"""Protocols that draw from every class, as those of CIFAR-10."""

import numpy as np
from jaxtyping import Int32, Int64, Shaped

from dsth_jax.datasets.protocols import by_part, splits
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.types import ArrayLike

# Training images of each class, where the field learns from a part.
_TRAINING = 500


def cifar10_official(
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  *,
  num_queries: int,
  seed: int,
) -> splits.Splits:
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
  classes = _required_classes("cifar10-official", ground_truth)
  query, database, _ = by_part.official(
    dataset_parts, ground_truth, num_queries=num_queries, seed=seed
  )
  is_train = np.asarray(dataset_parts) == "train"
  known = np.where(is_train, classes, -1)
  # A stream of its own: the training images do not depend on num_queries.
  rng = np.random.default_rng((seed, 1))
  chosen = [
    rng.permutation(indices)[:_TRAINING]
    for indices in _members("cifar10-official", known, _TRAINING)
  ]
  return splits.Splits(query, database, np.sort(np.concatenate(chosen)))


def cifar10_1(
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  *,
  num_queries: int,
  seed: int,
) -> splits.Splits:
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
) -> splits.Splits:
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


def _per_class(
  protocol: str,
  dataset_parts: Shaped[ArrayLike, "n"],
  ground_truth: GroundTruth | None,
  sizes: tuple[int, int | None],
  *,
  num_queries: int,
  seed: int,
) -> splits.Splits:
  """Draws queries and training images; None trains on the whole database."""
  queries, training = sizes
  classes = _required_classes(protocol, ground_truth)
  members = _members(protocol, classes, queries + (training or 1))
  if num_queries not in (0, queries * len(members)):
    raise ValueError(
      f"num_queries is {num_queries}, but protocol {protocol} has {queries} a "
      f"class, which is {queries * len(members)}: leave it at 0."
    )
  rng = np.random.default_rng(seed)
  shuffled = [rng.permutation(indices) for indices in members]
  query = np.sort(np.concatenate([s[:queries] for s in shuffled]))
  parts = splits.find_parts(dataset_parts)
  unlabelled = parts.pop("unlabelled")
  database = np.setdiff1d(np.concatenate([*parts.values()]), query)
  if training is None:
    return splits.Splits(query, database, np.union1d(database, unlabelled))
  chosen = [s[queries : queries + training] for s in shuffled]
  return splits.Splits(query, database, np.sort(np.concatenate(chosen)))


def _required_classes(
  protocol: str, ground_truth: GroundTruth | None
) -> Int32[np.ndarray, "n"]:
  """Returns the class of each image.

  Raises:
    ValueError: images have no labels, several, or lists.
  """
  if ground_truth is not None and ground_truth.classes is not None:
    return ground_truth.classes
  have = "several labels"
  if ground_truth is None:
    have = "no labels"
  elif ground_truth.has_lists:
    have = "lists of relevant images"
  raise ValueError(
    f"protocol {protocol} draws from every class, but the images have {have}: "
    f"use the protocol {'official' if 'lists' in have else 'holdout'}."
  )


def _members(
  protocol: str, classes: Int32[np.ndarray, "n"], needed: int
) -> list[Int64[np.ndarray, "_"]]:
  """Returns the images of each class.

  Raises:
    ValueError: a class has fewer images than are needed.
  """
  known = np.unique(classes[classes >= 0])
  found = [np.flatnonzero(classes == name) for name in known]
  fewest = min(found, key=len)
  if len(fewest) < needed:
    raise ValueError(
      f"protocol {protocol} needs {needed} images of every class, but class "
      f"{classes[fewest[0]]} has {len(fewest)}: use the protocol holdout."
    )
  return found
