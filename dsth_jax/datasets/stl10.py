"""STL-10 from its published archive.

References:
  Coates, Lee and Ng, An analysis of single-layer networks in unsupervised
  feature learning, AISTATS 2011; https://cs.stanford.edu/~acoates/stl10/.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dsth_jax.datasets import (
  archives,
  image_files,
  prefetch,
  published_builder,
  tfds_builder,
)
from dsth_jax.datasets.dataset import Dataset

_SIZE = 96
# Images that a thread encodes at a time.
_CHUNK = 32
# The images and the labels of each part.
_FILES = {
  "train": ("train_X.bin", "train_y.bin"),
  "test": ("test_X.bin", "test_y.bin"),
  "unlabelled": ("unlabeled_X.bin", None),
}


class Stl10(NamedTuple):
  """The set as it is published.

  Attributes:
    archive: that holds it.
    num_images: of each part.
  """

  archive: archives.Published
  num_images: Mapping[str, int]


STL10 = Stl10(
  archives.Published(
    file="stl10_binary.tar.gz",
    folder="stl10_binary",
    url="http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
    md5="91f7769df0f17e558f3565bffb0c7dfb",
    size="2.6 GB",
  ),
  # The paper writes of 1,000,000 unlabeled images.
  num_images={"train": 5_000, "test": 8_000, "unlabelled": 100_000},
)


class Row(NamedTuple):
  """An image: its name in the prepared set, where it is, and its label."""

  name: str
  file: str
  row: int
  label: int | None


class Stl10Archive(published_builder.PublishedBuilder):
  """Color images of 96 x 96 pixels in ten classes, as PNG."""

  class_names = (
    *("airplane", "bird", "car", "cat", "deer"),
    *("dog", "horse", "monkey", "ship", "truck"),
  )

  def __init__(
    self, published: Stl10, *, root: str, data_dir: str, unlabelled: bool
  ):
    """Finds the archive; raises ValueError if it is not there."""
    archive = archives.find(root, [published.archive])
    num_images = {
      part: number
      for part, number in published.num_images.items()
      if unlabelled or part != "unlabelled"
    }
    super().__init__([archive], num_images, data_dir=data_dir)

  def find_sources(self) -> dict[str, Sequence[Row]]:
    """Returns the rows of every part; every label is checked."""
    return {part: self._rows(part, *_FILES[part]) for part in self.num_images}

  def read(self, sources: Sequence[Row]) -> Iterator[tfds_builder.Record]:
    """Yields the images, encoded in threads."""
    for records in prefetch.prefetch_map(_encode, self._chunks(sources)):
      yield from records

  def _rows(
    self, part: str, images: str, labels_file: str | None
  ) -> Sequence[Row]:
    (archive,) = self.archives
    num_images = archive.size(images) // _SIZE**2 // 3
    labels: Sequence[int | None] = [None] * num_images
    if labels_file:
      labels = self._labels(labels_file)
      if len(labels) != num_images:
        raise ValueError(
          f"{archive.path} has {num_images} images in {images} and "
          f"{len(labels)} labels in {labels_file}: {archive.again}."
        )
    return [Row(f"{part}/{i}", images, i, x) for i, x in enumerate(labels)]

  def _labels(self, file: str) -> Sequence[int]:
    """Returns the labels, which the file counts from 1, from 0."""
    (archive,) = self.archives
    content, num_classes = archive.read(file), len(self.class_names)
    for row, label in enumerate(content):
      if not 1 <= label <= num_classes:
        raise ValueError(
          f"{file} in {archive.path} gives image {row} the label {label}, but "
          f"the classes are 1 to {num_classes}: {archive.again}."
        )
    return [label - 1 for label in content]

  def _chunks(
    self, sources: Sequence[Row]
  ) -> Iterator[tuple[Sequence[Row], Sequence[bytes]]]:
    (archive,) = self.archives
    for file, run in itertools.groupby(sources, key=lambda each: each.file):
      rows = list(run)
      records = archive.records(
        file, 3 * _SIZE**2, rows[0].row, rows[-1].row + 1
      )
      for i in range(0, len(rows), _CHUNK):
        yield rows[i : i + _CHUNK], list(itertools.islice(records, _CHUNK))


def load(root: str, data_dir: str, *, unlabelled: bool) -> Dataset:
  """Prepares STL-10 from its archive, if that is needed, and opens it.

  Args:
    root: see `archives.find`.
    data_dir: where the prepared set is.
    unlabelled: adds its images without a label, which only train.
  """
  builder = Stl10Archive(
    STL10, root=root, data_dir=data_dir, unlabelled=unlabelled
  )
  return published_builder.load(builder)


def _encode(
  chunk: tuple[Sequence[Row], Sequence[bytes]],
) -> list[tfds_builder.Record]:
  return [
    tfds_builder.Record(
      source.name,
      # One channel after another, each by columns.
      image_files.png_bytes(
        np.frombuffer(record, np.uint8)
        .reshape(3, _SIZE, _SIZE)
        .transpose(2, 1, 0)
      ),
      source.label,
    )
    for source, record in zip(*chunk)
  ]
