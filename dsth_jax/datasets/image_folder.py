"""A folder of images as a TFDS set."""

import functools
import hashlib
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow_datasets as tfds

from dsth_jax.datasets import folder_scan, image_files, prefetch, tfds_builder
from dsth_jax.datasets.dataset import Dataset, Skipped

# An image of 32 x 32 is read faster than a thread is handed its path.
_CHUNK = 16

Source = tuple[folder_scan.Entry, int | None]


class ImageFolder(tfds_builder.OrderedBuilder):
  """JPEG, PNG, WebP, GIF (first frame) and BMP files at any depth.

  `folder_scan.layout` finds parts and labels. The name, size and time of change
  of every file are hashed into the name of the TFDS config, so that only a
  changed folder is prepared again.
  """

  VERSION = tfds.core.Version("1.0.0")

  def __init__(
    self,
    *,
    root: str,
    data_dir: str | None = None,
    max_pixels: int,
    stored_size: int,
  ):
    """Lists the folder.

    Args:
      root: the folder.
      data_dir: where the prepared set goes; by default that of TFDS.
      max_pixels: an image with more is skipped.
      stored_size: the short side above which an image is shrunk.

    Raises:
      ValueError: the folder is missing or holds no image.
    """
    self.listing = _scan(root)
    names = [entry.name for entry in self.listing.entries]
    self._layout = folder_scan.layout(names)
    self.class_names = self._layout.class_names
    self._max_pixels = max_pixels
    self._stored_size = stored_size
    # The root too: in two folders from archives, times and sizes can be equal.
    known = [os.path.realpath(root), max_pixels, stored_size]
    states = [[entry.name, *entry.state] for entry in self.listing.entries]
    self.fingerprint = hashlib.sha256(
      json.dumps([known, states]).encode()
    ).hexdigest()[:16]
    with tfds_builder.quiet():
      super().__init__(
        data_dir=data_dir,
        config=tfds.core.BuilderConfig(name=self.fingerprint),
      )

  def sources(self) -> dict[str, Sequence[Source]]:
    """Returns files and labels of every part."""
    entries = self.listing.entries
    labels = self._layout.labels or itertools.repeat(None)
    table: dict[str, list[Source]] = {part: [] for part in tfds_builder.PARTS}
    for entry, part, label in zip(entries, self._layout.parts, labels):
      table[part].append((entry, label))
    return {part: sources for part, sources in table.items() if sources}

  def read(
    self, sources: Sequence[Source]
  ) -> Iterator[tfds_builder.Record | Skipped]:
    """Reads, shrinks and encodes in threads."""
    read = functools.partial(
      _read_files, max_pixels=self._max_pixels, stored_size=self._stored_size
    )
    chunks = (sources[i : i + _CHUNK] for i in range(0, len(sources), _CHUNK))
    with image_files.without_pixel_limit():
      for chunk in prefetch.prefetch_map(read, chunks):
        yield from chunk


def load(
  root: str, data_dir: str, *, max_pixels: int, stored_size: int
) -> Dataset:
  """Prepares a folder, if that is needed, and opens it."""
  builder = ImageFolder(
    root=root,
    data_dir=data_dir or None,
    max_pixels=max_pixels,
    stored_size=stored_size,
  )
  tfds_builder.prepare(builder)
  dataset = tfds_builder.open_prepared(
    builder.data_dir, fingerprint=builder.fingerprint
  )
  skipped = sorted(dataset.skipped + tuple(builder.listing.skipped))
  return dataset._replace(skipped=tuple(skipped))


def _scan(root: str) -> folder_scan.Listing:
  if not root:
    raise ValueError(
      "root is empty, but image_folder needs the folder that holds the "
      "images: pass root=FOLDER."
    )
  if not os.path.isdir(root):
    what = "is not a folder" if os.path.exists(root) else "does not exist"
    raise ValueError(
      f"root is {root}, which {what}: pass the folder that holds the images."
    )
  listing = folder_scan.scan(root)
  if not listing.entries:
    raise ValueError(
      f"root is {root}, which holds no image to read (files of another kind: "
      f"{listing.num_others}; unusable: {len(listing.skipped)}"
      + "".join(f", the first {s.name} {s.reason}" for s in listing.skipped[:1])
      + f"): pass a folder with files named {', '.join(folder_scan.EXTENSIONS)}, "
      "at any depth."
    )
  return listing


def _read_files(
  sources: Sequence[Source], **limits: Any
) -> list[tfds_builder.Record | Skipped]:
  return [_read_file(entry, label, **limits) for entry, label in sources]


def _read_file(
  entry: folder_scan.Entry, label: int | None, **limits: int
) -> tfds_builder.Record | Skipped:
  try:
    with open(entry.path, "rb") as file:
      encoded = image_files.stored_bytes(file, **limits)
  except Exception as error:
    return Skipped(entry.name, image_files.skip_reason(error))
  return tfds_builder.Record(entry.name, encoded, label)
