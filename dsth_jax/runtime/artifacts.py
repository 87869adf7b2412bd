"""What a run leaves on disk: artifacts, whole or not at all.

An artifact is a folder of arrays, JSON and text files with the record of what
it was made from. It is written beside its place and renamed, so that a run
killed at any moment leaves either the old artifact or the new one. Arrays too
long to be made at once are written row by row (`RowWriter`) and go on where
they stopped.

Of many processes the leader writes; what the others would write is dropped.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from dsth_jax.runtime import distributed
from dsth_jax.types import ArrayLike

# Of the folders written here; a change of their layout raises it.
FORMAT = 1
_RECORD, _ROWS = "fingerprint.json", "rows.json"


def fingerprint(*parts: Any) -> str:
  """Returns a short hash of JSON-like values."""
  text = json.dumps(parts, sort_keys=True, default=str)
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_format(path: pathlib.Path, received: int, known: int) -> None:
  """Raises ValueError for what a newer version of this package has written."""
  if received > known:
    raise ValueError(
      f"{path} was written by a newer version of dsth_jax (file format "
      f"{received}, this version knows {known}): use that version, or another "
      "directory. Nothing was changed."
    )


class Record(NamedTuple):
  """What an artifact was made from.

  Attributes:
    settings: by name; files too, by path, with their size and time of change.
    artifacts: fingerprints of other artifacts, by name.
    code: digests of the modules that made it, by name.
  """

  settings: Mapping[str, Any]
  artifacts: Mapping[str, str]
  code: Mapping[str, str]

  @property
  def fingerprint(self) -> str:
    """A hash of all of it and of the file format."""
    return fingerprint(FORMAT, *map(dict, self))

  def difference(self, old: "Record") -> str:
    """Says in a few words what has changed since an older record."""
    changes = [
      f"{name} was {old.settings[name]}"
      if name in old.settings
      else f"{name} is new"
      for name in _changed(self.settings, old.settings)
    ]
    changes += [
      f"{name} changed" for name in _changed(self.artifacts, old.artifacts)
    ]
    modules = _changed(self.code, old.code)
    if modules:
      changes.append(f"the code of {modules[0]} changed")
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    return ", ".join(changes[:3]) + more


def _changed(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
  """Returns the names whose values differ, or that only one side has."""
  return [
    name
    for name in {**new, **old}
    if name not in new or name not in old or new[name] != old[name]
  ]


class Artifact(NamedTuple):
  """A finished result on disk.

  Attributes:
    name: of the stage.
    directory: holds its files.
    fingerprint: of all that it was made from.
  """

  name: str
  directory: pathlib.Path
  fingerprint: str

  @property
  def arrays(self) -> dict[str, np.ndarray]:
    """The arrays as read-only memory maps, by name.

    Raises:
      ValueError: a file is damaged.
    """
    found = {}
    for path in sorted(self.directory.glob("*.npy")):
      with _naming(path, self.directory):
        found[path.stem] = np.load(path, mmap_mode="r")
    return found

  def json(self, name: str) -> Any:
    """Returns a value that was written as JSON; ValueError if it is damaged."""
    path = self.directory / f"{name}.json"
    with _naming(path, self.directory):
      return json.loads(path.read_text("utf-8"))


def read_record(directory: pathlib.Path) -> tuple[str | None, Record]:
  """Returns the fingerprint and the record of an artifact.

  The fingerprint is None where there is no artifact.

  Raises:
    ValueError: the artifact is of a newer version of this package.
  """
  stored = read_json(directory / _RECORD)
  check_format(directory, stored.get("format", 0), FORMAT)
  record = Record(*(stored.get(part, {}) for part in Record._fields))
  # Those of format 0 have no record, and are of no use.
  return stored.get("fingerprint") if stored.get("format") else None, record


def check_formats(directory: pathlib.Path) -> None:
  """Raises ValueError if an artifact in it is of a newer version."""
  for path in sorted(directory.glob(f"**/{_RECORD}")):
    read_record(path.parent)


class Writer:
  """Fills an artifact's folder, which takes its place once it is complete.

  Attributes:
    fingerprint: of the artifact.
    num_images: images that were gone through, for the log; set by the maker.
  """

  def __init__(self, directory: pathlib.Path, record: Record):
    self.fingerprint = record.fingerprint
    self.num_images = 0
    self._record, self._directory = record, directory
    self._partial = directory.with_name(directory.name + ".partial")
    if distributed.is_leader() and not self._is_resumable():
      shutil.rmtree(self._partial, ignore_errors=True)
      self._partial.mkdir(parents=True)

  def _is_resumable(self) -> bool:
    rows = read_json(self._partial / _ROWS)
    return rows.get("fingerprint") == self.fingerprint

  def write(self, **arrays: Shaped[ArrayLike, "..."] | int | float) -> None:
    """Writes arrays by name."""
    if distributed.is_leader():
      for name, array in arrays.items():
        np.save(self._partial / f"{name}.npy", np.asarray(array))

  def write_json(self, name: str, value: Any) -> None:
    """Writes a value, which `Artifact.json` reads."""
    if distributed.is_leader():
      write_json(self._partial / f"{name}.json", value)

  def write_text(self, name: str, text: str) -> None:
    """Writes a text file."""
    if distributed.is_leader():
      write_text(self._partial / name, text)

  def rows(
    self, name: str, *, shape: tuple[int, ...], dtype: Any
  ) -> "RowWriter":
    """Returns what fills a long array, from where a killed run stopped."""
    return RowWriter(
      self._partial, self.fingerprint, name=name, shape=shape, dtype=dtype
    )

  def finish(self) -> None:
    """Puts the complete folder in its place, by renaming."""
    if not distributed.is_leader():
      return
    (self._partial / _ROWS).unlink(missing_ok=True)
    stored = {
      "format": FORMAT,
      "fingerprint": self.fingerprint,
      **self._record._asdict(),
    }
    write_json(self._partial / _RECORD, stored)
    outdated = self._directory.with_name(self._directory.name + ".outdated")
    shutil.rmtree(outdated, ignore_errors=True)
    if self._directory.exists():
      self._directory.rename(outdated)
    self._partial.rename(self._directory)
    shutil.rmtree(outdated, ignore_errors=True)

  def abandon(self) -> None:
    """Removes what was written, unless a later run can go on from it."""
    if distributed.is_leader() and not self._is_resumable():
      shutil.rmtree(self._partial, ignore_errors=True)


class RowWriter:
  """Fills an array row by row, and goes on after a kill.

  Attributes:
    start: rows that are already on disk; the first one to append.
  """

  def __init__(
    self,
    directory: pathlib.Path,
    expected: str,
    *,
    name: str,
    shape: tuple[int, ...],
    dtype: Any,
  ):
    self._expected = expected
    self._progress = directory / _ROWS
    self._rows: np.memmap | None = None
    start = 0
    if distributed.is_leader():
      path = directory / f"{name}.npy"
      progress = read_json(self._progress)
      if progress and path.exists():
        start = progress["rows"]
      else:
        _reserve(path, shape, dtype)
      self._rows = np.lib.format.open_memmap(path, mode="r+")
    self.start = self._next = distributed.of_leader(start)

  def append(self, rows: Shaped[np.ndarray, "..."]) -> None:
    """Writes the next rows and records that they are there."""
    first, self._next = self._next, self._next + len(rows)
    if self._rows is None:
      return
    self._rows[first : self._next] = rows
    self._rows.flush()
    progress = {"fingerprint": self._expected, "rows": self._next}
    write_json(self._progress, progress)


def _reserve(path: pathlib.Path, shape: tuple[int, ...], dtype: Any) -> None:
  """Makes an array file whose disk space is really there.

  A memory map of a sparse file kills the process with a bus error once the
  disk is full; reserved space raises OSError at the door instead.
  """
  array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
  size = path.stat().st_size
  del array
  with open(path, "r+b") as file:
    os.posix_fallocate(file.fileno(), 0, size)


@contextlib.contextmanager
def replacing_file(path: pathlib.Path) -> Iterator[IO[bytes]]:
  """Gives a file to fill, which becomes `path` if nothing fails."""
  if not distributed.is_leader():
    with tempfile.TemporaryFile() as dropped:
      yield dropped
    return
  partial = path.with_name(path.name + ".partial")
  try:
    with open(partial, "wb") as file:
      yield file
      file.flush()
      os.fsync(file.fileno())
    partial.replace(path)
  finally:
    partial.unlink(missing_ok=True)


def write_text(path: pathlib.Path, text: str) -> None:
  """Writes a text file whole or not at all."""
  with replacing_file(path) as file:
    file.write(text.encode("utf-8"))


def write_json(path: pathlib.Path, value: Any) -> None:
  """Writes a value as indented JSON, whole or not at all."""
  write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path: pathlib.Path) -> dict[str, Any]:
  """Returns what a JSON file holds; nothing where there is no such file.

  Raises:
    ValueError: the file is damaged.
  """
  if not path.exists():
    return {}
  with _naming(path, path):
    return json.loads(path.read_text(encoding="utf-8"))


@contextlib.contextmanager
def _naming(path: pathlib.Path, deleted: pathlib.Path) -> Iterator[None]:
  """Raises ValueError with what is to be deleted, for a damaged file."""
  try:
    yield
  except (ValueError, EOFError) as error:
    raise ValueError(
      f"{path} is damaged ({error}): delete {deleted}, and give the command that "
      "made it again."
    ) from error


def read_current(path: pathlib.Path, expected: str) -> dict[str, Any] | None:
  """Returns what a JSON file holds, if its "fingerprint" is as expected."""
  found = read_json(path)
  return found if found.get("fingerprint") == expected else None
