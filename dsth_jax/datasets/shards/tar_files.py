"""The members of a .tar, of which no header is trusted."""

import io
import os
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from typing import TypeVar

from dsth_jax.datasets import (
  file_kinds,
  image_files,
  image_names,
  reading,
)
from dsth_jax.datasets.account import Skipped
from dsth_jax.datasets.shards.items import Encoded, Item, NotImage

_Result = TypeVar("_Result")

# Long names and attributes are in such blocks, and far smaller.
_MOST_HEADER_BYTES = 1 << 20


class DamagedError(ValueError):
  """A .tar that cannot be read to its end."""


def read(path: str, max_bytes: int) -> Iterator[Item]:
  """Yields every member, with one of them in memory.

  Args:
    path: of the file.
    max_bytes: a member with more is skipped.

  Raises:
    DamagedError: the file is truncated, or a header claims what cannot be.
    OSError: the disk fails.
  """
  with open(path, "rb") as file:
    bounded = _Bounded(path, file)
    place = -1
    with _opened(bounded) as tar:
      while (member := _guarded(tar.next)) is not None:
        if member.size < 0 or tar.offset <= place:
          raise DamagedError(f"the size of {member.name!r} leads back")
        place = tar.offset
        yield _read_member(bounded, member, max_bytes)
        # Only links need the list of all members so far.
        tar.members = []  # type: ignore[attr-defined]
    _check_end(bounded, max(place, 0))


class _Bounded:
  """A file that gives tarfile no more than a header has.

  A header may claim any size, and reading reserves the memory first.

  Attributes:
    length: of the file.
  """

  def __init__(self, path: str, file: io.BufferedReader):
    self._path, self._file = path, file
    self.length = os.fstat(file.fileno()).st_size
    self.seek, self.tell = file.seek, file.tell

  def read(self, size: int) -> bytes:
    if not 0 <= size <= _MOST_HEADER_BYTES:
      raise DamagedError(f"a header claims {size:,} bytes for itself")
    return self.data(self._file.tell(), size)

  def data(self, place: int, size: int) -> bytes:
    """Reads at a place, in up to three tries."""

    def read() -> bytes:
      self._file.seek(place)
      return self._file.read(size)

    return reading.tried(self._path, read)


def _opened(file: _Bounded) -> tarfile.TarFile:
  return _guarded(
    lambda: tarfile.open(fileobj=file, mode="r:")  # type: ignore[call-overload]
  )


def _guarded(call: Callable[[], _Result]) -> _Result:
  """Returns a result; any header that tarfile stumbles over is damage."""
  try:
    return call()
  except (DamagedError, OSError):
    raise
  except Exception as error:
    raise DamagedError(str(error)) from error


def _read_member(
  file: _Bounded, member: tarfile.TarInfo, max_bytes: int
) -> Item:
  path = member.name.removeprefix("./")
  if member.isdir():
    return NotImage("folder")
  for part in path.split("/"):
    hidden = file_kinds.hidden(part)
    if hidden:
      return NotImage(hidden)

  def head() -> bytes:
    if not member.isreg() or member.issparse():
      return b""
    size = min(member.size, file_kinds.HEAD_BYTES)
    return file.data(member.offset_data, size)

  kind = file_kinds.kind(path, head)
  if kind != file_kinds.IMAGE:
    return NotImage(kind)
  name, suffix = posixpath.splitext(path)
  if suffix.lower() not in file_kinds.SUFFIXES:
    name = path
  name = image_names.escape(name)
  reason = file_kinds.not_read(path) or _unusable(member, max_bytes)
  if reason is not None:
    return Skipped(name, reason)
  if member.offset_data + member.size > file.length:
    raise DamagedError(
      f"{member.name!r} claims {member.size:,} bytes, more than the file has"
    )
  return Encoded(name, file.data(member.offset_data, member.size))


def _unusable(member: tarfile.TarInfo, max_bytes: int) -> str | None:
  if member.issparse():
    return "is a sparse member, which is not read: write it as a whole"
  if not member.isreg():
    return "is not a file"
  if member.size > max_bytes:
    return image_files.too_many_bytes(max_bytes, member.size)
  return None


def _check_end(file: _Bounded, end: int) -> None:
  """Raises at an end that tarfile accepts: no more bytes, or no header."""
  block = file.data(end, tarfile.BLOCKSIZE)
  if block != tarfile.NUL * tarfile.BLOCKSIZE:
    raise DamagedError("the mark at the end is missing")
