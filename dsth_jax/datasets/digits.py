"""The handwritten digits of scikit-learn: a set without a download."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from dsth_jax.datasets import image_files, tfds_builder
from dsth_jax.datasets.dataset import Dataset


class Digits(tfds_builder.OrderedBuilder):
  """1,797 gray images of 8 x 8 pixels in ten classes, all of them "train".

  References:
    Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI 1998:
    the test part of the original.
  """

  VERSION = tfds.core.Version("1.0.0")
  class_names = tuple("0123456789")

  def sources(self) -> dict[str, Sequence[int]]:
    """Returns the rows of scikit-learn's table."""
    return {"train": range(len(_digits().target))}

  def read(self, sources: Sequence[int]) -> Iterator[tfds_builder.Record]:
    """Yields each row as a PNG, with 0 .. 16 scaled to 0 .. 255."""
    digits = _digits()
    for row in sources:
      pixels = np.rint(digits.images[row] * (255 / 16)).astype(np.uint8)
      encoded = image_files.png_bytes(pixels)
      label = int(digits.target[row])
      yield tfds_builder.Record(f"train/{row}", encoded, label)


def load(data_dir: str) -> Dataset:
  """Prepares the digits, if that is needed, and opens them."""
  builder = Digits(data_dir=data_dir or None)
  tfds_builder.prepare(builder)
  return tfds_builder.open_prepared(
    builder.data_dir, fingerprint=builder.info.full_name
  )


def _digits() -> Any:
  # scikit-learn takes seconds to import, and only this set needs it.
  from sklearn import datasets

  return datasets.load_digits()
