"""Archives as their publishers offer them, packed or unpacked.

>>> import io, tarfile, tempfile
>>> folder = tempfile.TemporaryDirectory()
>>> with tarfile.open(f"{folder.name}/a.tar.gz", "w:gz") as tar:
...   member = tarfile.TarInfo("unpacked/train.bin")
...   member.size = 4
...   tar.addfile(member, io.BytesIO(b"abcd"))
>>> published = Published("a.tar.gz", "unpacked", "https://example.org/a.tar.gz")
>>> with find(folder.name, [published]) as archive:
...   archive.names, list(archive.records("train.bin", 2))
(('train.bin',), [b'ab', b'cd'])
>>> folder.cleanup()
"""

import abc
import contextlib
import functools
import gzip
import hashlib
import io
import os
import pathlib
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from absl import logging

_DAMAGE = (
  tarfile.TarError,
  zipfile.BadZipFile,
  gzip.BadGzipFile,
  zlib.error,
  EOFError,
)


class Published(NamedTuple):
  """An archive that a publisher offers.

  Attributes:
    file: its name: .zip, or .tar, .tar.gz or .tgz.
    folder: what it unpacks to, or, if it has no folder, what the user unpacks it
      into; members are named below it.
    url: the file, or the page that leads to it.
    md5: of the file; empty where the publisher gives none.
    size: for messages, such as "162 MB"; may be empty.
    how: to get it, where a download of the file is not all.
  """

  file: str
  folder: str
  url: str
  md5: str = ""
  size: str = ""
  how: str = ""


class Archive(abc.ABC):
  """The files of an archive, or of the folder that it was unpacked to.

  Nothing is read before it is asked for, and nothing is unpacked to disk. A
  compressed tar is listed in one pass and read in stored order in another; a
  step back starts one more. One thread at a time. Every error of what is in the
  archive is a ValueError. `path` is that of the file or folder.
  """

  def __init__(self, published: Published, path: str):
    self.published, self.path = published, path
    self._stack = contextlib.ExitStack()
    self._current: tuple[str, io.BufferedIOBase] | None = None

  def __enter__(self) -> "Archive":
    return self

  def __exit__(self, *_: object) -> None:
    self.release()

  def release(self) -> None:
    """Closes what is open and frees the list of files, until the next use."""
    self._close_current()
    self._stack.close()
    for cached in ("_members", "_tar", "_zip"):
      self.__dict__.pop(cached, None)

  @functools.cached_property
  def state(self) -> list:
    """Changes when the archive changes: the real path, sizes and times."""
    status = os.stat(self.path)
    return [os.path.realpath(self.path), status.st_size, status.st_mtime_ns]

  @property
  def names(self) -> tuple[str, ...]:
    """The files in stored order, in a folder by name; hidden ones are left out."""
    return tuple(self._members)

  def size(self, name: str) -> int:
    """Returns the bytes of a file; raises ValueError if there is none."""
    if name not in self._members:
      raise ValueError(f"{self.path} holds no {name}: {self.again}.")
    return self._size(self._members[name])

  def read(self, name: str) -> bytes:
    """Returns the content of a file; raises ValueError as `records` does."""
    return b"".join(self.records(name, max(1, self.size(name))))

  def records(
    self, name: str, record_size: int, start: int = 0, stop: int | None = None
  ) -> Iterator[bytes]:
    """Yields records `start` to `stop` of a file with `record_size` bytes each.

    Raises:
      ValueError: there is no such file, it is no multiple of a record, or the
        archive is damaged.
    """
    size = self.size(name)
    if size % record_size:
      raise ValueError(
        f"{name} in {self.path} has {size} bytes, but records of {record_size} "
        f"are needed: {self.again}."
      )
    total = size // record_size
    with self._translated():
      file = self._opened(name)
      file.seek(start * record_size)
      for _ in range(start, total if stop is None else min(stop, total)):
        record = file.read(record_size)
        if len(record) < record_size:
          raise EOFError(f"{name} ends early")
        yield record

  def check_sum(self) -> None:
    """Raises ValueError unless a file has the published MD5, if there is one."""
    if not self.published.md5 or os.path.isdir(self.path):
      return
    logging.info("Checking the MD5 of %s.", self.path)
    with open(self.path, "rb") as file:
      found = hashlib.file_digest(file, "md5").hexdigest()
    if found != self.published.md5:
      raise ValueError(
        f"{self.path} has the MD5 {found}, but {self.published.md5} is "
        f"published: {self.again}."
      )

  @property
  def again(self) -> str:
    """What a user does about an archive that is not as published."""
    return f"download {_named(self.published)} again"

  @functools.cached_property
  def _members(self) -> dict:
    """Every file, by its name below the published folder."""
    prefix = self.published.folder + "/"
    found = {}
    with self._translated():
      for path, member in self._list():
        name = posixpath.normpath(path).removeprefix(prefix)
        if not _is_hidden(name):
          found[name] = member
    return found

  def _opened(self, name: str) -> io.BufferedIOBase:
    """Returns a file, kept open until another one is read.

    Opened again after its buffer had read ahead, it would make a compressed
    archive start from the beginning.
    """
    if not self._current or self._current[0] != name:
      self._close_current()
      self._current = name, self._open(self._members[name])
    return self._current[1]

  def _close_current(self) -> None:
    if self._current:
      self._current[1].close()
      self._current = None

  @contextlib.contextmanager
  def _translated(self) -> Iterator[None]:
    """Raises ValueError for errors of a damaged archive."""
    try:
      yield
    except _DAMAGE as error:
      raise ValueError(
        f"{self.path} is damaged or not complete ({error}): {self.again}."
      ) from error

  @abc.abstractmethod
  def _list(self) -> Iterator[tuple[str, Any]]:
    """Yields the path of every file, and what the next two methods take."""

  @abc.abstractmethod
  def _size(self, member: Any) -> int: ...

  @abc.abstractmethod
  def _open(self, member: Any) -> io.BufferedIOBase: ...


def find(root: str, choices: Sequence[Published]) -> Archive:
  """Returns the first of the archives that is in a folder.

  The file goes before the folder that it was unpacked to, since only the file
  has a published sum.

  Args:
    root: the folder that holds the file or its unpacked folder, or that folder.
    choices: archives of the same content, the preferred one first.

  Raises:
    ValueError: the folder does not exist, or holds none of them.
  """
  root = os.path.expanduser(root)
  if not os.path.isdir(root):
    what = "is a file" if os.path.exists(root) else "does not exist"
    given = f"{root}, which {what}" if root else "empty"
    wanted = _named(choices[0])
    raise ValueError(f"root is {given}: pass the folder that holds {wanted}.")
  for published in choices:
    path = os.path.join(root, published.file)
    if os.path.isfile(path):
      kind = _Zip if published.file.endswith(".zip") else _Tar
      return kind(published, path)
  for published in choices:
    is_root = os.path.basename(os.path.realpath(root)) == published.folder
    path = root if is_root else os.path.join(root, published.folder)
    if os.path.isdir(path):
      return _Folder(published, path)
  held = " or ".join(f"{each.file} or {each.folder}/" for each in choices)
  raise ValueError(
    f"root is {root}, which does not hold {held}: "
    + (choices[0].how or f"download {_named(choices[0])} and put it there.")
  )


class _Folder(Archive):
  @functools.cached_property
  def state(self) -> list:
    found = [(name, os.stat(path)) for name, path in self._members.items()]
    files = [(name, each.st_size, each.st_mtime_ns) for name, each in found]
    return [os.path.realpath(self.path), files]

  def _list(self) -> Iterator[tuple[str, str]]:
    found = map(str, pathlib.Path(self.path).rglob("*"))
    for path in sorted(filter(os.path.isfile, found)):
      yield os.path.relpath(path, self.path).replace(os.sep, "/"), path

  def _size(self, member: Any) -> int:
    return os.path.getsize(member)

  def _open(self, member: Any) -> io.BufferedIOBase:
    return open(member, "rb")


class _Tar(Archive):
  @functools.cached_property
  def _tar(self) -> tarfile.TarFile:
    return self._stack.enter_context(tarfile.open(self.path))

  def _list(self) -> Iterator[tuple[str, tarfile.TarInfo]]:
    for member in self._tar:
      if member.isreg():
        yield member.name, member

  def _size(self, member: Any) -> int:
    return member.size

  def _open(self, member: Any) -> io.BufferedIOBase:
    return cast(io.BufferedIOBase, self._tar.extractfile(member))


class _Zip(Archive):
  @functools.cached_property
  def _zip(self) -> zipfile.ZipFile:
    return self._stack.enter_context(zipfile.ZipFile(self.path))

  def _list(self) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    for member in self._zip.infolist():
      if not member.is_dir():
        yield member.filename, member

  def _size(self, member: Any) -> int:
    return member.file_size

  def _open(self, member: Any) -> io.BufferedIOBase:
    return cast(io.BufferedIOBase, self._zip.open(member))


def _named(published: Published) -> str:
  size = f" ({published.size})" if published.size else ""
  return f"{published.file}{size} from {published.url}"


def _is_hidden(name: str) -> bool:
  """Returns whether a name is an operating system's, or leaves the folder."""
  return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
