"""Folders of small images, and the sets that `datasets.load` makes of them."""

import numpy as np
from PIL import Image

from dsth_jax import datasets


def pattern(height, width, seed=0):
  """A smooth image, which JPEG and shrinking change little."""
  y, x = np.mgrid[:height, :width] / max(height, width)
  waves = [np.sin(3 * x + 2 * y * c + c + seed) for c in range(3)]
  return np.rint(127.5 + 100 * np.stack(waves, -1)).astype(np.uint8)


def write(path, pixels=None, **options):
  path.parent.mkdir(parents=True, exist_ok=True)
  pixels = pattern(12, 16) if pixels is None else pixels
  Image.fromarray(pixels).save(path, **options)
  return path


def load(root, data_dir, **options):
  return datasets.load(
    "image_folder", root=str(root), data_dir=str(data_dir), **options
  )


def one(root, store, **options):
  """Loads a folder of one image and returns its pixels."""
  dataset = load(root, store, **options)
  assert len(dataset.images) == 1, dataset.skipped
  return dataset.images[0]


def prepared_dirs(store):
  return sorted(path.parent for path in store.rglob("contents.json"))
