"""Files that are whole or not there, whenever a process is killed.

What is written is on disk, not only with the kernel, before it takes its place,
so that a power cut leaves the old file or the new one.

Of many processes the leader writes; what the others would write is dropped.
"""

import contextlib
import json
import os
import pathlib
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from absl import logging

from dsth_jax.runtime import distributed


def check_utf8(path: str | os.PathLike, setting: str) -> None:
  """Raises ValueError for a path that checkpoints and prepared sets cannot have.

  Folders of images may have any name.

  Args:
    path: to write to.
    setting: that names it.
  """
  try:
    os.fspath(path).encode("utf-8")
  except UnicodeEncodeError as error:
    shown = os.fsencode(path).decode("utf-8", "backslashreplace")
    raise ValueError(
      f"{setting} is {shown}, whose bytes are not UTF-8, as the files written "
      "there need: choose another folder. Images may be in any folder."
    ) from error


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


def sync(path: pathlib.Path) -> None:
  """Waits until a file, or the names in a directory, are on disk.

  Raises:
    OSError: the disk fails.
  """
  number = os.open(path, os.O_RDONLY)
  try:
    os.fsync(number)
  except OSError:
    # Some file systems cannot sync directories, and keep names in order.
    if not path.is_dir():
      raise
  finally:
    os.close(number)


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
  try:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
      raise ValueError("it holds no names and values")
    return found
  except ValueError as error:
    raise ValueError(
      f"{path} is damaged ({error}): delete it, and give the command that made "
      "it again."
    ) from error


def read_intact_json(path: pathlib.Path) -> dict[str, Any]:
  """Returns what a JSON file holds; nothing where it is damaged, with a word."""
  try:
    return read_json(path)
  except ValueError:
    logging.warning("%s is damaged, and is not used.", path)
    return {}
