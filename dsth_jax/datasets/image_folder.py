"""A folder of images as a TFDS set."""

import functools
import itertools
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from dsth_jax.datasets import (
  account,
  earlier_copies,
  file_kinds,
  folder_scan,
  image_files,
  prefetch,
  reading,
  record_files,
  record_reuse,
  tfds_builder,
)
from dsth_jax.datasets.dataset import Dataset, Skipped
from dsth_jax.runtime import artifacts

# An image of 32 x 32 is read faster than a thread is handed its path.
_CHUNK = 16

Source = tuple[folder_scan.Entry, int | None]


class ImageFolder(record_reuse.ReusingBuilder):
  """The images of a folder, at any depth, in the formats of `file_kinds`.

  `folder_scan.layout` finds parts and labels. The name, size and time of change
  of every file are hashed into the name of the TFDS config, so that only a
  changed folder is prepared again, and of it only the changed files.
  """

  VERSION = tfds.core.Version("1.1.0")

  def __init__(
    self,
    *,
    root: str,
    data_dir: str | None = None,
    max_pixels: int,
    stored_size: int,
    max_bytes: int = image_files.MAX_BYTES,
  ):
    """Lists the folder.

    Args:
      root: the folder.
      data_dir: where the prepared set goes; by default that of TFDS.
      max_pixels: an image with more is skipped.
      stored_size: the short side above which an image is shrunk.
      max_bytes: a file with more is skipped.

    Raises:
      ValueError: the folder is missing or holds no image.
      OSError: the disk or the share failed three times.
    """
    self.listing = _scan(root)
    names = [entry.name for entry in self.listing.entries]
    self._layout = folder_scan.layout(names)
    self.class_names = self._layout.class_names
    self._limits: dict[str, Any] = {
      "max_pixels": max_pixels,
      "stored_size": stored_size,
      "max_bytes": max_bytes,
    }
    # The root too: in two folders from archives, times and sizes can be equal.
    self._known = [os.path.realpath(root), self._limits]
    self.origin = artifacts.fingerprint(self._known)
    states = [[entry.name, *entry.state] for entry in self.listing.entries]
    # With another decoder, images that were skipped are tried again.
    decoders = file_kinds.formats()
    identity = artifacts.fingerprint(self._known, decoders, states)
    with tfds_builder.quiet():
      super().__init__(
        data_dir=data_dir, config=tfds.core.BuilderConfig(name=identity)
      )

  def fingerprint(self, dataset: Dataset) -> str:
    """Returns the fingerprint of the images that were read, and their labels."""
    states = {entry.name: entry.state for entry in self.listing.entries}
    truth = dataset.ground_truth
    labels = None if truth is None else np.asarray(truth.classes).tolist()
    return artifacts.fingerprint(
      self._known,
      [[name, *states[name]] for name in dataset.names],
      dataset.parts.tolist(),
      [labels, dataset.class_names],
    )

  def source(self, source: Source) -> record_files.Source:
    """Returns what the record of an image is made from."""
    entry, label = source
    return record_files.Source(entry.name, entry.state, label)

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
    read = functools.partial(_read_files, **self._limits)
    chunks = (sources[i : i + _CHUNK] for i in range(0, len(sources), _CHUNK))
    with image_files.without_pixel_limit():
      for chunk in prefetch.prefetch_map(read, chunks):
        yield from chunk


def load(
  root: str,
  data_dir: str,
  *,
  max_pixels: int,
  stored_size: int,
  max_bytes: int = image_files.MAX_BYTES,
) -> Dataset:
  """Prepares a folder, if that is needed, and opens it."""
  builder = ImageFolder(
    root=root,
    data_dir=data_dir or None,
    max_pixels=max_pixels,
    stored_size=stored_size,
    max_bytes=max_bytes,
  )
  tfds_builder.prepare(builder)
  directory = pathlib.Path(builder.data_dir)
  dataset = tfds_builder.open_prepared(
    builder.data_dir, fingerprint="", lock=earlier_copies.in_use(directory)
  )
  earlier_copies.remove(directory, builder.origin)
  listing = builder.listing
  for folder, what in listing.left_out:
    logging.warning(
      "%s below %s is left out: it is a folder that this package has written "
      "(%s).",
      *(folder, root, what),
    )
  skipped = tuple(sorted(dataset.skipped + tuple(listing.skipped)))
  return dataset._replace(
    skipped=skipped,
    fingerprint=builder.fingerprint(dataset),
    account=account.count(
      listing.num_found, len(dataset.names), skipped, listing.not_images
    ),
  )


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
    found = account.count(
      listing.num_found, 0, listing.skipped, listing.not_images
    )
    raise ValueError(
      f"root is {root}, which holds no image to read ({found.sentence()}): pass "
      f"a folder with {file_kinds.NAMES} files, at any depth."
    )
  return listing


def _read_files(
  sources: Sequence[Source], **limits: Any
) -> list[tfds_builder.Record | Skipped]:
  return [_read_file(entry, label, **limits) for entry, label in sources]


def _read_file(
  entry: folder_scan.Entry, label: int | None, **limits: int
) -> tfds_builder.Record | Skipped:
  def read() -> bytes:
    with open(entry.path, "rb") as file:
      return image_files.stored_bytes(file, **limits)

  try:
    encoded = reading.tried(entry.path, read)
  except Exception as error:
    return Skipped(entry.name, image_files.skip_reason(error))
  return tfds_builder.Record(entry.name, encoded, label)
