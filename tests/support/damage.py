"""What can happen to a file, and the files of a run to which it can happen."""

import pathlib
import shutil
from collections.abc import Callable


def _flip(path: pathlib.Path, share: float) -> None:
  content = bytearray(path.read_bytes())
  if content:
    content[min(int(share * len(content)), len(content) - 1)] ^= 0x10
  path.write_bytes(content)


def _cut(path: pathlib.Path) -> None:
  content = path.read_bytes()
  path.write_bytes(content[: len(content) // 2])


KINDS: dict[str, Callable[[pathlib.Path], None]] = {
  "flipped": lambda path: _flip(path, 0.6),
  "flipped in its head": lambda path: _flip(path, 0.02),
  "flipped at its end": lambda path: _flip(path, 1.0),
  "cut": _cut,
  "empty": lambda path: path.write_bytes(b""),
  "deleted": pathlib.Path.unlink,
}


def files(root: pathlib.Path) -> list[str]:
  """Lists the files below a directory, by name."""
  return sorted(
    path.relative_to(root).as_posix()
    for path in root.rglob("*")
    if path.is_file()
  )


def swap(path: pathlib.Path, other: pathlib.Path) -> None:
  """Puts the file of another run in the place of a file."""
  shutil.copyfile(other, path)
