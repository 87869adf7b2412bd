"""What a run leaves on disk: one artefact a stage, whole or not at all.

An artefact is a folder of `.npy` and text files with the fingerprint of what
made it. It is written beside its place and renamed, so that a run killed at
any moment leaves either the old artefact or the new one. Arrays too long to
be made at once are written row by row (`RowWriter`) and go on where they
stopped.

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
from typing import IO, Any

import numpy as np
from jaxtyping import Shaped

from dsth_jax.runtime import distributed
from dsth_jax.types import ArrayLike

_FINGERPRINT = "fingerprint.json"


def fingerprint(*parts: Any) -> str:
  """Returns a short hash of JSON-like values."""
  text = json.dumps(parts, sort_keys=True, default=str)
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_current(directory: pathlib.Path, expected: str) -> bool:
  """Whether a finished artefact came from the same settings and input."""
  return fingerprint_of(directory) == expected


def fingerprint_of(directory: pathlib.Path) -> str | None:
  """Returns the fingerprint of an artefact; None where there is no such."""
  return _read_json(directory / _FINGERPRINT).get("fingerprint")


def read(directory: pathlib.Path) -> dict[str, np.ndarray]:
  """Opens an artefact's arrays as read-only memory maps, by file name."""
  return {
    path.stem: np.load(path, mmap_mode="r")
    for path in sorted(directory.glob("*.npy"))
  }


@contextlib.contextmanager
def replacing(directory: pathlib.Path, expected: str) -> Iterator[pathlib.Path]:
  """Gives a folder to fill, which becomes `directory` if nothing fails."""
  if not distributed.is_leader():
    with tempfile.TemporaryDirectory() as dropped:
      yield pathlib.Path(dropped)
    return
  partial = directory.with_name(directory.name + ".partial")
  shutil.rmtree(partial, ignore_errors=True)
  partial.mkdir(parents=True)
  try:
    yield partial
    _finish(partial, directory, expected)
  except BaseException:
    shutil.rmtree(partial, ignore_errors=True)
    raise


def write(
  directory: pathlib.Path,
  expected: str,
  arrays: Mapping[str, Shaped[ArrayLike, "..."] | int],
) -> None:
  """Writes arrays as one artefact."""
  if not distributed.is_leader():
    return
  with replacing(directory, expected) as partial:
    for name, array in arrays.items():
      np.save(partial / f"{name}.npy", np.asarray(array))


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


def read_current(path: pathlib.Path, expected: str) -> dict[str, Any] | None:
  """Returns what a JSON file holds, if its "fingerprint" is as expected."""
  found = _read_json(path)
  return found if found.get("fingerprint") == expected else None


class RowWriter:
  """Fills an artefact's array row by row, and goes on after a kill.

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
    self._directory, self._expected = directory, expected
    self._partial = directory.with_name(directory.name + ".partial")
    self._progress = self._partial / "rows.json"
    self._rows: np.memmap | None = None
    start = 0
    if distributed.is_leader():
      start = self._open(self._partial / f"{name}.npy", shape, dtype)
    self.start = self._next = distributed.of_leader(start)

  def _open(
    self, path: pathlib.Path, shape: tuple[int, ...], dtype: Any
  ) -> int:
    """Opens what an earlier run left, or begins; returns the rows there."""
    progress = _read_json(self._progress)
    start = 0
    if progress.get("fingerprint") == self._expected and path.exists():
      start = progress["rows"]
    else:
      shutil.rmtree(self._partial, ignore_errors=True)
      self._partial.mkdir(parents=True)
      try:
        _reserve(path, shape, dtype)
      except OSError:
        shutil.rmtree(self._partial)
        raise
    self._rows = np.lib.format.open_memmap(path, mode="r+")
    return start

  def append(self, rows: Shaped[np.ndarray, "..."]) -> None:
    """Writes the next rows and records that they are there."""
    first, self._next = self._next, self._next + len(rows)
    if self._rows is None:
      return
    self._rows[first : self._next] = rows
    self._rows.flush()
    progress = {"fingerprint": self._expected, "rows": self._next}
    write_json(self._progress, progress)

  def finish(self) -> None:
    """Makes the filled array the artefact."""
    if self._rows is None:
      return
    self._progress.unlink(missing_ok=True)
    _finish(self._partial, self._directory, self._expected)


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


def _finish(
  partial: pathlib.Path, directory: pathlib.Path, expected: str
) -> None:
  """Puts a complete folder in its place, by renaming."""
  write_json(partial / _FINGERPRINT, {"fingerprint": expected})
  outdated = directory.with_name(directory.name + ".outdated")
  shutil.rmtree(outdated, ignore_errors=True)
  if directory.exists():
    directory.rename(outdated)
  partial.rename(directory)
  shutil.rmtree(outdated, ignore_errors=True)


def _read_json(path: pathlib.Path) -> dict[str, Any]:
  """Returns what a JSON file holds; nothing where there is no such file."""
  if not path.exists():
    return {}
  return json.loads(path.read_text(encoding="utf-8"))
