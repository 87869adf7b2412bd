"""Access to prepared images."""

from concurrent import futures

import numpy as np
import pytest
from support.folders import load, pattern, write


def test_images_are_a_sequence(root, store):
  for i in range(3):
    write(root / f"train/{i}.png", pattern(4, 4, i))
    write(root / f"test/{i}.png", pattern(4, 4, i + 3))
  images = load(root, store).images
  assert len(images) == 6
  np.testing.assert_array_equal(images[np.int64(4)], pattern(4, 4, 4))
  np.testing.assert_array_equal(images[-1], pattern(4, 4, 5))
  for outside in (6, -7):
    with pytest.raises(IndexError, match="of 6"):
      images[outside]


def test_threads_may_read_at_once(root, store):
  for i in range(40):
    write(root / f"{i:02}.png", pattern(4, 4, i))
  images = load(root, store).images
  order = np.random.default_rng(0).integers(40, size=1000)
  with futures.ThreadPoolExecutor(8) as pool:
    read = list(pool.map(images.__getitem__, order))
  for i, image in zip(order, read):
    np.testing.assert_array_equal(image, pattern(4, 4, i))
