"""Settings that follow from the number of images, where there are few.

A setting that no one has set is lowered to what the images allow. One that a
flag or a configuration file has set stays, and is refused where it cannot work.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

import jax
import numpy as np
from absl import logging
from ml_collections import ConfigDict

from dsth_jax import config as config_lib
from dsth_jax import datasets
from dsth_jax.models.hash_models import HASH_MODELS
from dsth_jax.pipeline import data as data_lib

_QUERIES, _BITS = "data.num_queries", "num_bits"
_NEIGHBORS, _BATCH = "graph.num_neighbors", "train.batch_size"
FIELDS = (_QUERIES, _BITS, _NEIGHBORS, _BATCH)

# At most this share of the images become queries.
_QUERY_SHARE = 1 / 4
# And at most this share of the training images are linked to one of them.
_NEIGHBOR_SHARE = 1 / 3
# Batches that an epoch should have; one with fewer than two gets these.
_BATCHES = 4
# Of these protocols it is known from the parts who trains.
_PROTOCOLS = ("holdout", "official", "queries-in-database")


class Sizes(NamedTuple):
  """Numbers of images.

  Attributes:
    candidates: images from which queries are drawn.
    others: images that train and are never queries.
    is_drawn: queries are taken away from the training images.
  """

  candidates: int
  others: int
  is_drawn: bool

  def num_training(self, num_queries: int) -> int:
    """Returns how many images train."""
    return self.others + (
      max(0, self.candidates - num_queries) if self.is_drawn else 0
    )


def fit(
  config: ConfigDict,
  dataset: datasets.Dataset,
  fields: Collection[str] = FIELDS,
) -> ConfigDict:
  """Returns the settings, with those lowered that no one has set.

  One warning names them all.

  Args:
    config: of the run; a field counts as not set if it has its default or is in
      `data.adaptable`, and no flag has given it.
    dataset: its images.
    fields: that may be lowered, of `FIELDS`.

  Raises:
    ValueError: there are too few images for the settings; the sentence has all
      that is needed.
  """
  if config.data.protocol not in _PROTOCOLS:
    return config
  sizes = _sizes(config, dataset)
  if not sizes.candidates:
    return config  # The protocol says which part is missing.
  free = {name for name in fields if _is_free(config, name)}
  fitted = config.copy_and_resolve_references()
  for name, value in _lowered(config, sizes, free).items():
    config_lib.change(fitted, {name: value})
  changes = [
    f"{name} is {_value(fitted, name)} instead of {_value(config, name)}"
    for name in FIELDS
    if _value(fitted, name) != _value(config, name)
  ]
  if fields == FIELDS:
    _refuse_too_few(fitted, sizes, free)
  if changes:
    logging.warning(
      "There are few images (%s): %s. A setting that a flag gives stays as it "
      "is.",
      f"{len(dataset.names):,}",
      ", ".join(changes),
    )
  return fitted


def _sizes(config: ConfigDict, dataset: datasets.Dataset) -> Sizes:
  parts = np.asarray(dataset.parts)
  train, test, unlabelled = (
    np.count_nonzero(parts == part) for part in ("train", "test", "unlabelled")
  )
  if config.data.protocol == "holdout":
    return Sizes(int(train), int(unlabelled), True)
  return Sizes(int(test), int(train + unlabelled), False)


def _is_free(config: ConfigDict, name: str) -> bool:
  if name in config.data.given:
    return False
  default = _value(config_lib.base_config(), name)
  return name in config.data.adaptable or _value(config, name) == default


def _lowered(
  config: ConfigDict, sizes: Sizes, free: Collection[str]
) -> dict[str, int]:
  """Returns the values of the settings that are free."""
  found: dict[str, int] = {}

  def lower(name: str, most: Callable[[int], int]) -> int:
    value = _value(config, name)
    if name in free:
      found[name] = value = most(value)
    return value

  share = _QUERY_SHARE if sizes.is_drawn else 1
  num_queries = lower(
    _QUERIES,
    lambda value: min(value, max(1, int(sizes.candidates * share))),
  )
  num_training = sizes.num_training(num_queries)
  lower(_BITS, lambda value: _num_bits(config, value, num_training))
  lower(
    _NEIGHBORS,
    lambda value: min(value, max(1, int(num_training * _NEIGHBOR_SHARE))),
  )
  lower(_BATCH, lambda value: _batch_size(value, num_training))
  return found


def _num_bits(config: ConfigDict, num_bits: int, num_training: int) -> int:
  """Returns as many bits as the graph has eigenvectors for, in whole bytes.

  A graph of n images has n - 1 of them.
  """
  if num_bits < num_training:
    return num_bits
  some = [*range(8 * (num_bits // 8), 0, -8), *range(7, 0, -1)]
  accepted = (bits for bits in some if bits < num_training)
  found = next(filter(lambda bits: _accepts(config, bits), accepted), None)
  if found is None:
    # Too many for these images: the least that would do is named.
    found = next(bits for bits in [*reversed(some)] if _accepts(config, bits))
  return found


def _accepts(config: ConfigDict, num_bits: int) -> bool:
  """Tells whether the hash network can have this number of bits."""
  try:
    HASH_MODELS[config.model.network].check(num_bits, config.model.to_dict())
  except ValueError:
    return False
  return True


def _batch_size(batch_size: int, num_training: int) -> int:
  """Returns a size with at least two batches an epoch, if there can be."""
  if 2 * batch_size <= num_training:
    return batch_size
  size = least = _least_batch()
  while 2 * size * _BATCHES <= num_training:
    size *= 2
  return max(least, min(batch_size, size))


def _least_batch() -> int:
  """Batch normalization needs two images, and each device one."""
  return max(2, jax.device_count())


def _refuse_too_few(
  config: ConfigDict, sizes: Sizes, free: Collection[str]
) -> None:
  """Raises ValueError, with all that the settings need."""
  num_queries = _value(config, _QUERIES)
  needed = data_lib.needed_training_images(config)
  num_training = sizes.num_training(num_queries)
  most = max(needed.values())
  if num_training >= most and sizes.candidates >= max(1, num_queries):
    return
  given = ", ".join(
    f"{name}={_value(config, name)}" for name in FIELDS if name not in free
  )
  training = data_lib.listed(needed)
  total = most + max(1, num_queries)
  if not sizes.is_drawn:
    have = (
      f"{sizes.candidates} images to query with and {num_training} to train"
    )
    raise ValueError(
      f"There are {have}, but these settings need {max(1, num_queries)} and "
      f"{most} ({training}): add images"
      + (f", or lower what was set ({given})." if given else ".")
    )
  found = sizes.candidates + sizes.others
  raise ValueError(
    f"There {'is 1 image' if found == 1 else f'are {found:,} images'}, but these "
    f"settings need at least {total:,}: {max(1, num_queries):,} for "
    f"{_QUERIES}, and {most:,} training images ({training}). Add images"
    + (f", or lower what was set ({given})." if given else ".")
  )


def _value(config: ConfigDict, name: str) -> int:
  value = config
  for part in name.split("."):
    value = value[part]
  return int(value)
