"""Earlier copies of a folder of images: what they lend, and their removal."""

import pathlib
import shutil
from collections.abc import Sequence
from typing import IO

from absl import logging

from dsth_jax.datasets import locks, record_files
from dsth_jax.datasets.record_files import RecordFile, Source

_ORIGIN = "origin.txt"
_LOCK = "in_use.lock"
UNFINISHED = "unfinished."


class EarlierRecords:
  """Records of earlier copies and of those that were not finished."""

  def __init__(
    self, copies: pathlib.Path, origin: str, new: pathlib.Path
  ) -> None:
    self._folders: list[tuple[pathlib.Path, IO[bytes]]] = []
    for folder in of_origin(copies, origin):
      # No process may remove it, or write to it, in the meantime.
      if folder != new:
        lock = locks.shared(folder / _LOCK)
        if lock is not None:
          self._folders.append((folder, lock))
    self._files: list[RecordFile] = []
    self._base: list[RecordFile] = []
    self._places: dict[tuple[str, tuple[int, ...]], tuple[int, int]] = {}
    self._rows: tuple[int, record_files.Rows] | None = None

  def __enter__(self) -> "EarlierRecords":
    return self

  def __exit__(self, *_: object) -> None:
    self._close()
    for _folder, held in self._folders:
      held.close()

  def open(self, part: str) -> None:
    """Finds the records of a part."""
    self._close()
    self._files, self._places, self._base = [], {}, []
    for directory, _ in self._folders:
      found = [f for f in record_files.find(directory, part) if f.sources]
      if _length(found) > _length(self._base):
        self._base = found
      for file in found:
        for row, source in enumerate(file.sources):
          self._places[source[:2]] = (len(self._files), row)
        self._files.append(file)

  def bounds(self) -> tuple[list[str], str]:
    """Returns first names of the files of the largest copy, and the last."""
    if not self._base:
      return [], ""
    starts = [file.sources[0].name for file in self._base]
    return starts, self._base[-1].sources[-1].name

  def has(self, source: Source) -> bool:
    """Tells whether there is a record of this state of an image."""
    return source[:2] in self._places

  def same_file(self, sources: Sequence[Source]) -> RecordFile | None:
    """Returns the file that holds these records and labels, and no others."""
    if not sources:
      return None
    number, _ = self._places[sources[0][:2]]
    file = self._files[number]
    return file if list(file.sources) == list(sources) else None

  def take(self, source: Source) -> bytes | None:
    """Returns the record of an image with its present label, if there is one."""
    if not self.has(source):
      return None
    number, row = self._places[source[:2]]
    if self._rows is None or self._rows[0] != number:
      self._close()
      self._rows = number, record_files.Rows(self._files[number].path)
    record = self._rows[1][row]
    if self._files[number].sources[row].label == source.label:
      return record
    return record_files.relabel(record, source.label)

  def _close(self) -> None:
    if self._rows is not None:
      self._rows[1].close()
    self._rows = None


def in_use(copy: pathlib.Path) -> object:
  """Returns what keeps a copy from being removed as long as it exists."""
  return locks.shared(copy / _LOCK)


def mark(directory: pathlib.Path, origin: str) -> IO[bytes] | None:
  """Notes whose copy a folder is; returns its lock."""
  (directory / _LOCK).touch()
  lock = locks.exclusive(directory / _LOCK)
  (directory / _ORIGIN).write_text(origin, "utf-8")
  return lock


def of_origin(copies: pathlib.Path, origin: str) -> list[pathlib.Path]:
  """Returns complete copies and unfinished ones, in order of their names."""
  marked = [*copies.glob(f"*/*/{_ORIGIN}"), *copies.glob(f"*/{_ORIGIN}")]
  return sorted(
    path.parent
    for path in marked
    if path.read_text("utf-8") == origin
    and not path.parent.name.startswith("incomplete.")
  )


def _length(files: Sequence[RecordFile]) -> int:
  return sum(len(file.sources) for file in files)


def remove(current: pathlib.Path, origin: str) -> None:
  """Removes earlier copies of the same origin that no process has open."""
  age = (current / _ORIGIN).stat().st_mtime_ns
  for folder in of_origin(copies_folder(current), origin):
    # Another process may have seen a later state of the folder.
    if folder == current or (folder / _ORIGIN).stat().st_mtime_ns > age:
      continue
    lock = locks.exclusive(folder / _LOCK)
    if lock is None:
      logging.info(
        "%s, an earlier copy of the images, is in use and stays.", folder
      )
      continue
    with lock:
      whole = folder if folder.name.startswith(UNFINISHED) else folder.parent
      shutil.rmtree(whole, ignore_errors=True)


def copies_folder(copy: pathlib.Path) -> pathlib.Path:
  """Returns the folder with all copies of a data set, of all its configs."""
  # TFDS writes to NAME/CONFIG/VERSION, and first to another folder beside it.
  return copy.parents[1]
