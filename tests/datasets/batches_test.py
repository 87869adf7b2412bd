"""Batches of resized images."""

import os

import numpy as np
import pytest
from PIL import Image
from support.folders import pattern

from dsth_jax import datasets
from dsth_jax.datasets import prefetch


def test_batches_join_to_all_images():
  images = np.stack([pattern(8, 8, i) for i in range(75)])
  batches = list(datasets.image_batches(images, image_size=8, batch_size=33))
  assert [len(batch) for batch in batches] == [33, 33, 9]
  # The images have the size already: they are not resampled.
  np.testing.assert_array_equal(np.concatenate(batches), images)


@pytest.mark.parametrize("start", [0, 1, 33, 74, 75])
def test_batches_start_anywhere(start):
  images = np.stack([pattern(8, 8, i) for i in range(75)])
  batches = list(
    datasets.image_batches(images, image_size=8, batch_size=33, start=start)
  )
  rest = np.concatenate([np.zeros((0, 8, 8, 3), np.uint8), *batches])
  np.testing.assert_array_equal(rest, images[start:])


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (9, 9), (1, 50), (4, 3)])
def test_resize_and_crop_resizes_the_short_side_and_crops(shape):
  image = pattern(*shape)
  height, width = (round(side * 6 / min(shape)) for side in shape)
  resized = Image.fromarray(image).resize(
    (width, height), Image.Resampling.BICUBIC
  )
  left, top = (width - 6) // 2, (height - 6) // 2
  expected = np.asarray(resized.crop((left, top, left + 6, top + 6)))
  np.testing.assert_array_equal(datasets.resize_and_crop(image, 6), expected)


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (7, 7), (9, 9)])
def test_the_center_of_a_larger_image_is_cropped(shape):
  image = pattern(*shape)
  height, width = (round(side * 9 / min(shape)) for side in shape)
  resized = Image.fromarray(image).resize(
    (width, height), Image.Resampling.BICUBIC
  )
  left, top = (width - 6) // 2, (height - 6) // 2
  expected = np.asarray(resized.crop((left, top, left + 6, top + 6)))
  found = datasets.resize_and_crop(image, 6, resized_size=9)
  np.testing.assert_array_equal(found, expected)
  (batch,) = datasets.image_batches(
    [image], image_size=6, batch_size=1, resized_size=9
  )
  np.testing.assert_array_equal(batch, [found])


def test_a_crop_fits_into_its_image():
  sizes = {"image_size": 6, "resized_size": 5}
  message = "resized_size is 5, but the crop has 6 pixels"
  with pytest.raises(ValueError, match=message):
    datasets.resize_and_crop(pattern(9, 9), **sizes)
  with pytest.raises(ValueError, match=message):
    datasets.image_batches([pattern(9, 9)], batch_size=1, **sizes)


def test_batches_read_ahead_is_bounded():
  read = []

  class Watched(list):
    def __getitem__(self, index):
      read.append(index)
      return pattern(4, 4)

  batches = datasets.image_batches(
    Watched([None] * 100_000), image_size=4, batch_size=8
  )
  next(batches)
  batches.close()
  # A batch, two chunks of eight for each thread, and one in transit.
  assert len(read) <= 8 * (2 * min(os.cpu_count(), 32) + 2)


def test_prefetch_map_keeps_order_and_raises_in_place():
  results = prefetch.prefetch_map(lambda x: 1 // (5 - x), range(9))
  assert [next(results) for _ in range(5)] == [0, 0, 0, 0, 1]
  with pytest.raises(ZeroDivisionError):
    next(results)


@pytest.mark.parametrize("option", ["image_size", "batch_size"])
def test_batches_need_sizes(option):
  sizes = {"image_size": 4, "batch_size": 4, option: 0}
  with pytest.raises(ValueError, match="both need to be 1 or more"):
    datasets.image_batches([pattern(4, 4)], **sizes)


@pytest.mark.parametrize("start", [-1, 2])
def test_batches_start_inside(start):
  with pytest.raises(ValueError, match="pass 0 to 1"):
    datasets.image_batches(
      [pattern(4, 4)], image_size=4, batch_size=4, start=start
    )
