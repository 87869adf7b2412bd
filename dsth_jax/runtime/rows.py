"""Arrays too long to be made at once, which go on where they stopped."""

import os
import pathlib
import zlib
from typing import Any

import numpy as np
from absl import logging
from jaxtyping import Shaped

from dsth_jax.runtime import distributed
from dsth_jax.runtime.files import read_intact_json, write_json

# Beside the array: what it is made from, and how many of its rows are there.
PROGRESS = "rows.json"
# Bytes of finished rows that are read at once.
_CHUNK = 64 << 20


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
    self._progress = directory / PROGRESS
    self._rows: np.memmap | None = None
    self._crc = start = 0
    if distributed.is_leader():
      path = directory / f"{name}.npy"
      progress = read_intact_json(self._progress)
      found = _finished_rows(path, progress, shape, dtype)
      if found is not None:
        start, self._crc = found
      else:
        if progress:
          logging.warning("%s is damaged: it is made from its start.", path)
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
    self._crc = _crc(self._rows[first : self._next], self._crc)
    progress = {
      "fingerprint": self._expected,
      "rows": self._next,
      "crc32": self._crc,
    }
    write_json(self._progress, progress)


def _finished_rows(
  path: pathlib.Path,
  progress: dict[str, Any],
  shape: tuple[int, ...],
  dtype: Any,
) -> tuple[int, int] | None:
  """Returns how many rows are there, and their checksum.

  None where there is no such array, or its rows are not what was written.
  """
  try:
    array = np.lib.format.open_memmap(path, mode="r")
    is_such = array.shape == shape and array.dtype == dtype
    count, crc = int(progress["rows"]), int(progress["crc32"])
  # A damaged header fails in whatever way it happens to.
  except Exception:
    return None
  if not is_such or not 0 <= count <= len(array):
    return None
  size = max(1, _CHUNK // max(1, array[:1].nbytes))
  found = 0
  for first in range(0, count, size):
    found = _crc(array[first : min(first + size, count)], found)
  return (count, crc) if found == crc else None


def _crc(rows: Shaped[np.ndarray, "..."], value: int) -> int:
  values = np.ascontiguousarray(rows).reshape(-1)
  return zlib.crc32(values.view(np.uint8).data, value)


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
