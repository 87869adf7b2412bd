"""Files that are whole or not there, whenever a process is killed.

Of many processes the leader writes; what the others would write is dropped.
"""

import contextlib
import json
import os
import pathlib
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from dsth_jax.runtime import distributed


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
  try:
    return json.loads(path.read_text(encoding="utf-8"))
  except ValueError as error:
    raise ValueError(
      f"{path} is damaged ({error}): delete it, and give the command that made "
      "it again."
    ) from error
