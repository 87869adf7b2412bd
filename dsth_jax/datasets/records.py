"""A prepared set as the rest of the package sees it."""

import io
import operator
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, SupportsIndex, runtime_checkable

import numpy as np
from jaxtyping import Int32, Shaped, UInt8
from PIL import Image


class Skipped(NamedTuple):
  """An image file that could not be used, and why."""

  name: str
  reason: str


class Images(Sequence[np.ndarray]):
  """Random access to images that stay encoded on disk until asked for.

  Threads may read at once.
  """

  def __init__(
    self, sources: Sequence[Sequence[dict[str, Any]]], feature: str = "image"
  ):
    """Joins sources of records one after another.

    Args:
      sources: random access to records.
      feature: the field of a record that holds the encoded image.
    """
    self._sources = tuple(sources)
    self._feature = feature
    self._ends = np.cumsum([len(source) for source in sources])

  def __len__(self) -> int:
    return int(self._ends[-1])

  def __getitem__(  # type: ignore[override]
    self, index: SupportsIndex
  ) -> UInt8[np.ndarray, "height width 3"]:
    position = operator.index(index)
    if not -len(self) <= position < len(self):
      raise IndexError(f"image {position} of {len(self)}")
    position %= len(self)
    source = int(np.searchsorted(self._ends, position, side="right"))
    start = int(self._ends[source - 1]) if source else 0
    return decode(self._sources[source][position - start][self._feature])

  def column(self, feature: str) -> Iterator[Any]:
    """Yields another field of every record, leaving the images encoded."""
    for source in self._sources:
      for record in source:
        yield record[feature]


@runtime_checkable
class RandomAccess(Protocol):
  """Images by number: `Images`, a list of arrays, an array [n, h, w, 3]."""

  def __len__(self) -> int: ...

  def __getitem__(self, index: SupportsIndex, /) -> np.ndarray: ...


class Dataset(NamedTuple):
  """Images with what is known of them; the train part first, then the test.

  Attributes:
    images: `len(images)` and `images[i]`, uint8 [height, width, 3].
    labels: index into `class_names`, or None when the images carry none.
    class_names: empty without labels.
    parts: "train" or "test", as the source divides itself.
    names: path below the root, or "train/17".
    skipped: what the source holds and the set does not.
    fingerprint: changes with whatever changes the images or their order.
  """

  images: Images
  labels: Int32[np.ndarray, "n"] | None
  class_names: tuple[str, ...]
  parts: Shaped[np.ndarray, "n"]
  names: tuple[str, ...]
  skipped: tuple[Skipped, ...]
  fingerprint: str


def decode(encoded: bytes) -> UInt8[np.ndarray, "height width 3"]:
  """Returns the RGB pixels of stored JPEG or PNG bytes."""
  with Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")) as image:
    return np.array(image.convert("RGB"))
