"""What a run leaves on disk: artifacts, whole or not at all.

An artifact is a folder of arrays, JSON and text files with the record of what
it was made from, and of the size and checksum of each file. It is written
beside its place, synced and renamed, so that a run killed at any moment leaves
either the old artifact or the new one. Arrays too long to be made at once are
written row by row (`RowWriter`) and go on where they stopped.

Of many processes the leader writes; what the others would write is dropped.
"""

import json
import pathlib
import shutil
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from dsth_jax.runtime import checksums, distributed, files, records
from dsth_jax.runtime.files import (
  read_intact_json,
  read_json,
  replacing_file,
  write_json,
  write_text,
)
from dsth_jax.runtime.records import (
  FORMAT,
  Record,
  Stored,
  check_format,
  fingerprint,
)
from dsth_jax.runtime.rows import PROGRESS, RowWriter
from dsth_jax.types import ArrayLike

__all__ = [
  "FORMAT",
  "Artifact",
  "Record",
  "RowWriter",
  "Writer",
  "check_format",
  "check_formats",
  "fingerprint",
  "identity",
  "read_current",
  "read_intact_json",
  "read_json",
  "read_record",
  "refuse_damage",
  "remove_outdated",
  "replacing_file",
  "seal",
  "write_json",
  "write_text",
]

# A folder under way, and one that is being removed.
_PARTIAL, _OUTDATED = ".partial", ".outdated"
_ALL_BYTES = 2**63


class Artifact(NamedTuple):
  """A finished result on disk.

  Attributes:
    name: of the stage.
    directory: holds its files.
    fingerprint: of all that it was made from, and of its content.
  """

  name: str
  directory: pathlib.Path
  fingerprint: str

  @property
  def arrays(self) -> dict[str, np.ndarray]:
    """The arrays as read-only memory maps, by name."""
    stored = records.read(self.directory)
    names = stored.files if stored else ()
    paths = [self.directory / name for name in sorted(names)]
    return {
      path.stem: np.load(path, mmap_mode="r")
      for path in paths
      if path.suffix == ".npy"
    }

  def json(self, name: str) -> Any:
    """Returns a value that was written as JSON."""
    return json.loads((self.directory / f"{name}.json").read_text("utf-8"))


def read_record(directory: pathlib.Path) -> tuple[str | None, Record]:
  """Returns the fingerprint and the record of an artifact.

  The fingerprint is None where there is no artifact.

  Raises:
    ValueError: the artifact is of a newer version of this package.
  """
  stored = records.read(directory)
  if stored is None:
    return None, Record({}, {}, {})
  return stored.fingerprint, stored.record


def identity(directory: pathlib.Path) -> str | None:
  """Returns what others depend on; None where there is no artifact.

  Raises:
    ValueError: the artifact is of a newer version of this package.
  """
  stored = records.read(directory)
  return stored.identity if stored else None


def check_formats(directory: pathlib.Path) -> None:
  """Raises ValueError if an artifact in it is of a newer version."""
  for path in sorted(directory.glob(f"**/{records.FILE}")):
    records.read(path.parent)


def seal(directory: pathlib.Path, expected: str, names: Iterable[str]) -> None:
  """Lists files with their checksums, for `refuse_damage`.

  Args:
    directory: of the files, which may hold others too.
    expected: the fingerprint of what they hold.
    names: of the files.
  """
  if distributed.is_leader():
    found = checksums.checksums(directory, names)
    records.write(directory, Stored(Record({}, {}, {}), expected, found))


def refuse_damage(directory: pathlib.Path, advice: str) -> None:
  """Raises ValueError unless all files are what was written.

  Args:
    directory: of an artifact, or of files with a `seal`.
    advice: what to do about it.
  """
  stored = records.read(directory)
  if stored is None:
    raise ValueError(
      f"{directory / records.FILE} is missing, damaged or of an older version "
      f"of dsth_jax, and so nothing tells whether the files are whole: {advice}."
    )
  damage = checksums.find_damage(directory, stored.files, max_bytes=_ALL_BYTES)
  if damage is not None:
    raise ValueError(f"{damage}: {advice}.")


def remove_outdated(directory: pathlib.Path) -> None:
  """Removes the old artifacts that a killed command was removing."""
  if distributed.is_leader():
    for path in sorted(directory.glob(f"**/*{_OUTDATED}")):
      shutil.rmtree(path, ignore_errors=True)


class Writer:
  """Fills an artifact's folder, which takes its place once it is complete.

  Attributes:
    fingerprint: of what the artifact is made from.
    num_images: images that were gone through, for the log; set by the maker.
  """

  def __init__(
    self,
    directory: pathlib.Path,
    record: Record,
    *,
    made_by: Mapping[str, str] | None = None,
    num_repairs: int = 0,
  ):
    self.fingerprint = record.fingerprint
    self.num_images = 0
    self._record, self._directory = record, directory
    self._made_by, self._num_repairs = made_by or {}, num_repairs
    self._start = time.perf_counter()
    self._partial = directory.with_name(directory.name + _PARTIAL)
    if distributed.is_leader() and not self._is_resumable():
      shutil.rmtree(self._partial, ignore_errors=True)
      self._partial.mkdir(parents=True)

  def _is_resumable(self) -> bool:
    rows = read_intact_json(self._partial / PROGRESS)
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

  def rows(self, name: str, *, shape: tuple[int, ...], dtype: Any) -> RowWriter:
    """Returns what fills a long array, from where a killed run stopped."""
    return RowWriter(
      self._partial, self.fingerprint, name=name, shape=shape, dtype=dtype
    )

  def finish(self) -> None:
    """Puts the complete folder in its place, by renaming."""
    if not distributed.is_leader():
      return
    (self._partial / PROGRESS).unlink(missing_ok=True)
    paths = [path for path in self._partial.rglob("*") if path.is_file()]
    for path in paths:
      files.sync(path)
    names = [path.relative_to(self._partial).as_posix() for path in paths]
    seconds = time.perf_counter() - self._start
    stored = Stored(
      self._record,
      self.fingerprint,
      checksums.checksums(self._partial, names),
      self._made_by,
      seconds,
      self.num_images / seconds if self.num_images else None,
      self._num_repairs,
    )
    records.write(self._partial, stored)
    files.sync(self._partial)
    outdated = self._directory.with_name(self._directory.name + _OUTDATED)
    shutil.rmtree(outdated, ignore_errors=True)
    if self._directory.exists():
      self._directory.rename(outdated)
    self._partial.rename(self._directory)
    files.sync(self._directory.parent)
    shutil.rmtree(outdated, ignore_errors=True)

  def abandon(self) -> None:
    """Removes what was written, unless a later run can go on from it."""
    if distributed.is_leader() and not self._is_resumable():
      shutil.rmtree(self._partial, ignore_errors=True)


def read_current(path: pathlib.Path, expected: str) -> dict[str, Any] | None:
  """Returns what a JSON file holds, if its "fingerprint" is as expected."""
  found = read_intact_json(path)
  return found if found.get("fingerprint") == expected else None
