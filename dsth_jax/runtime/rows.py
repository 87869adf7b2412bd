"""Arrays too long to be made at once, which go on where they stopped."""

import os
import pathlib
from typing import Any

import numpy as np
from jaxtyping import Shaped

from dsth_jax.runtime import distributed
from dsth_jax.runtime.files import read_json, write_json

# Beside the array: what it is made from, and how many of its rows are there.
PROGRESS = "rows.json"


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
