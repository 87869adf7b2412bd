"""Encodes one shard with the hash function of a finished run."""

import collections
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dsth_jax.datasets import (
  Skipped,
  account,
  image_files,
  shards,
)
from dsth_jax.encode import HashFunction
from dsth_jax.pipeline.encoded_shards import Encoded
from dsth_jax.runtime import artifacts, lineage, progress


class Limits(NamedTuple):
  """Which image files are read.

  Attributes:
    max_pixels: an image with more is skipped; None for the limit of the run.
    max_bytes: a file with more is skipped.
  """

  max_pixels: int | None = None
  max_bytes: int = image_files.MAX_BYTES


_LIMITS = Limits()


def fingerprint(
  shard: shards.Shard,
  hash_function: HashFunction,
  file_format: str,
  limits: Limits = _LIMITS,
) -> str:
  """Returns what a shard's files follow from: all this, and the code."""
  return artifacts.fingerprint(
    shard.fingerprint,
    hash_function.fingerprint,
    [*_numbers(limits, hash_function), hash_function.stored_size],
    file_format,
    lineage.sources(__name__),
  )


def encode_shard(
  shard: shards.Shard, hash_function: HashFunction, limits: Limits = _LIMITS
) -> Encoded:
  """Encodes a shard; in memory are its codes and a few batches of images."""
  names: list[str] = []
  others = _Others()
  packed = [np.zeros((0, -(-hash_function.num_bits // 8)), np.uint8)]
  max_pixels, max_bytes = _numbers(limits, hash_function)
  items = shards.resized_images(
    shard,
    image_size=hash_function.image_size,
    max_pixels=max_pixels,
    stored_size=hash_function.stored_size,
    resized_size=hash_function.resized_size,
    max_bytes=max_bytes,
  )
  batches = _batches(items, hash_function.batch_size, others)
  for batch in progress.counted(
    batches, total=_num_entries(shard), name=shard.name, unit="images"
  ):
    names += [image.name for image in batch]
    pixels = np.stack([image.pixels for image in batch])
    packed.append(np.asarray(hash_function.encode(pixels)))
  counted = account.count(
    others.num_found, len(names), others.skipped, others.not_images
  )
  return Encoded(names, np.concatenate(packed), others.skipped, counted)


def _numbers(limits: Limits, hash_function: HashFunction) -> tuple[int, int]:
  return limits.max_pixels or hash_function.max_pixels, limits.max_bytes


def _num_entries(shard: shards.Shard) -> int | None:
  """Returns the number of images of a folder; others do not say it."""
  return len(shard.entries) or None


class _Others:
  """What in a shard is no image, or cannot be read."""

  def __init__(self) -> None:
    self.num_found = 0
    self.skipped: list[Skipped] = []
    self.not_images: collections.Counter[str] = collections.Counter()


def _batches(
  items: Iterator[shards.ResizedImage | Skipped | shards.NotImage],
  batch_size: int,
  others: _Others,
) -> Iterator[list[shards.ResizedImage]]:
  """Yields the images by batches, and sets the others aside."""
  batch: list[shards.ResizedImage] = []
  for item in items:
    if isinstance(item, shards.NotImage):
      others.num_found += item.number
      others.not_images[item.kind] += item.number
      continue
    others.num_found += 1
    if isinstance(item, Skipped):
      others.skipped.append(item)
      continue
    batch.append(item)
    if len(batch) == batch_size:
      yield batch
      batch = []
  if batch:
    yield batch
