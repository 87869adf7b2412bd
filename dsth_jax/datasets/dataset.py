"""A prepared set of images."""

import bisect
import io
import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, SupportsIndex, runtime_checkable

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image
from tensorflow_datasets.proto import tf_example_pb2

from dsth_jax.datasets.account import Account, Skipped
from dsth_jax.ground_truth import GroundTruth


class Images(Sequence[np.ndarray]):
  """Random access to images that stay encoded on disk until they are read.

  Threads may read at the same time.
  """

  def __init__(
    self,
    sources: Sequence[Sequence[bytes]],
    feature: str = "image",
    lock: object = None,
  ):
    """Joins sources of records one after another.

    Args:
      sources: random access to records as TFDS writes them, each a serialized
        tf.train.Example. Parsing one here takes 24 us, and 140 us through the
        features of TFDS.
      feature: the field of a record that holds the encoded image.
      lock: kept as long as these images exist, so that no other process removes
        their files.
    """
    self._lock = lock
    self._sources = tuple(sources)
    self._feature = feature
    self._ends = list(itertools.accumulate(map(len, self._sources)))

  def __len__(self) -> int:
    return self._ends[-1] if self._ends else 0

  def __getitem__(  # type: ignore[override]
    self, index: SupportsIndex
  ) -> UInt8[np.ndarray, "height width 3"]:
    position = operator.index(index)
    if not -len(self) <= position < len(self):
      raise IndexError(f"image {position} of {len(self)}")
    position %= len(self)
    source = bisect.bisect_right(self._ends, position)
    start = self._ends[source - 1] if source else 0
    record = _parse(self._sources[source][position - start])
    return decode(record[self._feature].bytes_list.value[0])

  def integers(self, feature: str) -> Iterator[Sequence[int]]:
    """Yields another field of every record, without decoding the images."""
    for source in self._sources:
      for record in source:
        yield _parse(record)[feature].int64_list.value


@runtime_checkable
class RandomAccess(Protocol):
  """Images by index: `Images`, a list of arrays, an array [n, h, w, 3]."""

  def __len__(self) -> int: ...

  def __getitem__(self, index: SupportsIndex, /) -> np.ndarray: ...


class Dataset(NamedTuple):
  """Images and their labels, part by part.

  Attributes:
    images: `len(images)` and `images[i]`, uint8 [height, width, 3]; empty
      where there are only features.
    ground_truth: of every image against all others, by labels that index
      `class_names`, or by the lists of some queries; None without either.
    class_names: empty without labels.
    parts: "train", "test", "database" or "unlabelled" for each image, as the
      source is divided; "database" is searched and does not train, "unlabelled"
      trains and is not searched.
    names: path below the root, or "train/17", one line each (see
      `image_names.escape`).
    skipped: images of the source that could not be used.
    fingerprint: changes when the images or their order change.
    account: of everything that was found in the source; None where the source
      holds the images and nothing else.
  """

  images: RandomAccess
  ground_truth: GroundTruth | None
  class_names: tuple[str, ...]
  parts: Shaped[np.ndarray, "n"]
  names: tuple[str, ...]
  skipped: tuple[Skipped, ...]
  fingerprint: str
  account: Account | None = None


def decode(encoded: bytes) -> UInt8[np.ndarray, "height width 3"]:
  """Returns the RGB pixels of stored JPEG or PNG bytes, read-only."""
  with Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")) as image:
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _parse(record: bytes) -> Any:
  return tf_example_pb2.Example.FromString(record).features.feature
