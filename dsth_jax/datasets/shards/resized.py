"""The images of a shard at the size of a network, prepared in threads."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from dsth_jax.datasets import batches, image_files, prefetch
from dsth_jax.datasets.account import Skipped
from dsth_jax.datasets.shards import readers
from dsth_jax.datasets.shards.items import Encoded, Item, NotImage
from dsth_jax.datasets.shards.listing import Shard

# A thread gets this many small images at a time, or one large image.
_CHUNK_IMAGES = 16
_CHUNK_BYTES = 1 << 20


class ResizedImage(NamedTuple):
  """The name and the resized pixels of an image."""

  name: str
  pixels: UInt8[np.ndarray, "s s 3"]


Result = ResizedImage | Skipped | NotImage


def resized_images(
  shard: Shard,
  *,
  image_size: int,
  max_pixels: int,
  stored_size: int,
  resized_size: int = 0,
  max_bytes: int = image_files.MAX_BYTES,
) -> Iterator[Result]:
  """Yields the images in order, prepared in threads ahead of the consumer.

  The pixels are the same as those of `image_folder`.

  Args:
    shard: from `find`.
    image_size: pixels on a side.
    max_pixels: an image with more is skipped.
    stored_size: the short side above which an image is first shrunk.
    resized_size: see `resize_and_crop`.
    max_bytes: an image file with more is skipped.

  Yields:
    The pixels of every image, the reason to skip it, or what is no image.

  Raises:
    ValueError, ImportError, OSError: as `read`.
  """

  def resize(image: np.ndarray) -> np.ndarray:
    return batches.resize_and_crop(image, image_size, resized_size)

  def prepare(items: list[Item]) -> list[Result]:
    return [
      _resized_image(item, resize, max_pixels, stored_size)
      if isinstance(item, Encoded)
      else item
      for item in items
    ]

  items = readers.read(shard, max_bytes=max_bytes)
  with image_files.without_pixel_limit():
    for chunk in prefetch.prefetch_map(prepare, _chunks(items)):
      yield from chunk


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
  chunk: list[Item] = []
  num_bytes = 0
  for item in items:
    chunk.append(item)
    if isinstance(item, Encoded):
      num_bytes += len(item.data)
    if len(chunk) == _CHUNK_IMAGES or num_bytes >= _CHUNK_BYTES:
      yield chunk
      chunk, num_bytes = [], 0
  if chunk:
    yield chunk


def _resized_image(
  item: Encoded,
  resize: Callable[[np.ndarray], np.ndarray],
  max_pixels: int,
  stored_size: int,
) -> ResizedImage | Skipped:
  if not item.data:
    return Skipped(item.name, "is empty")
  try:
    image = image_files.stored_pixels(
      io.BytesIO(item.data), max_pixels=max_pixels, stored_size=stored_size
    )
  except Exception as error:
    return Skipped(item.name, image_files.skip_reason(error))
  return ResizedImage(item.name, resize(image))
