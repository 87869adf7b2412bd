"""Images of any size as batches of one size.

>>> import numpy as np
>>> wide = np.zeros((2, 6, 3), np.uint8)
>>> [batch.shape for batch in image_batches([wide] * 3, image_size=2, batch_size=2)]
[(2, 2, 2, 3), (1, 2, 2, 3)]
"""

import functools
from collections.abc import Callable, Iterator
from typing import SupportsIndex

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from dsth_jax.datasets import prefetch, proportions
from dsth_jax.datasets.dataset import RandomAccess

# Large enough to save overhead of the threads, small enough that the chunks in
# progress take little memory next to a batch.
_CHUNK = 32


class Selection:
  """Some of the images, in a given order, read on access."""

  def __init__(self, images: RandomAccess, rows: Int[np.ndarray, "m"]):
    self._images, self._rows = images, rows

  def __len__(self) -> int:
    return len(self._rows)

  def __getitem__(self, index: SupportsIndex | slice) -> np.ndarray:
    """Returns an image; of an array of images, also a range of them."""
    return self._images[self._rows[index]]


def image_batches(
  images: RandomAccess,
  *,
  image_size: int,
  batch_size: int,
  start: int = 0,
  resized_size: int = 0,
) -> Iterator[UInt8[np.ndarray, "_ image_size image_size 3"]]:
  """Yields the images in order, prepared in threads ahead of the consumer.

  Args:
    images: uint8 [height, width, 3] each, with `len` and random access that
      threads may share, such as `Dataset.images` or an array [n, h, w, 3].
    image_size: pixels on a side, see `resize_and_crop`.
    batch_size: images in a batch; the last may have fewer.
    start: index of the first image, to continue where a run stopped.
    resized_size: see `resize_and_crop`.

  Yields:
    Batches of resized images.

  Raises:
    ValueError: a size is not positive or smaller than the crop, or start is
      out of range.
  """
  if image_size < 1 or batch_size < 1:
    raise ValueError(
      f"image_size is {image_size} and batch_size {batch_size}: both need to "
      "be 1 or more."
    )
  _check_resized_size(image_size, resized_size)
  if not 0 <= start <= len(images):
    raise ValueError(
      f"start is {start}, but there are {len(images)} images: pass 0 to "
      f"{len(images)}."
    )
  prepare = functools.partial(
    _prepared, images, image_size=image_size, resized_size=resized_size
  )
  return _batches(prepare, len(images), batch_size, start)


def resize_and_crop(
  image: UInt8[np.ndarray, "height width 3"],
  image_size: int,
  resized_size: int = 0,
) -> UInt8[np.ndarray, "image_size image_size 3"]:
  """Resizes the short side (bicubic, antialiased), then crops the center.

  If the short side has its size already, the pixels are kept. Of an image with
  one side over 16 times the other only the center is resized.

  Args:
    image: of any size.
    image_size: pixels on a side of the crop.
    resized_size: pixels of the short side before the crop; 0: `image_size`.

  Raises:
    ValueError: the crop is larger than the resized image.
  """
  _check_resized_size(image_size, resized_size)
  resized_size = resized_size or image_size
  left, top, right, bottom = proportions.central(image.shape[1], image.shape[0])
  image = image[top:bottom, left:right]
  height, width, _ = image.shape
  short = min(height, width)
  if short != resized_size:
    size = (
      max(resized_size, round(width * resized_size / short)),
      max(resized_size, round(height * resized_size / short)),
    )
    resized = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
    image = np.asarray(resized)
  top = (image.shape[0] - image_size) // 2
  left = (image.shape[1] - image_size) // 2
  return image[top : top + image_size, left : left + image_size]


def _check_resized_size(image_size: int, resized_size: int) -> None:
  if resized_size and resized_size < image_size:
    raise ValueError(
      f"resized_size is {resized_size}, but the crop has {image_size} pixels a "
      f"side: set {image_size} or more, or 0 for {image_size}."
    )


def _batches(
  prepare: Callable[[range], np.ndarray],
  num_images: int,
  batch_size: int,
  start: int,
) -> Iterator[np.ndarray]:
  chunks = (
    range(first, min(first + _CHUNK, batch + batch_size, num_images))
    for batch in range(start, num_images, batch_size)
    for first in range(batch, min(batch + batch_size, num_images), _CHUNK)
  )
  waiting: list[np.ndarray] = []
  missing = min(batch_size, num_images - start)
  done = start
  for chunk in prefetch.prefetch_map(prepare, chunks):
    waiting.append(chunk)
    done += len(chunk)
    missing -= len(chunk)
    if not missing:
      yield np.concatenate(waiting)
      waiting, missing = [], min(batch_size, num_images - done)


def _prepared(
  images: RandomAccess, indices: range, *, image_size: int, resized_size: int
) -> np.ndarray:
  return np.stack(
    [
      resize_and_crop(images[index], image_size, resized_size)
      for index in indices
    ]
  )
