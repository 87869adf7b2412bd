"""What encoding leaves of each shard: numbered files, whole or not at all.

Workers share a directory and nothing else: each writes the numbers that are
its own, and that a number is finished shows in its `.json`, written last.
"""

import pathlib
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from dsth_jax import checkpoint
from dsth_jax.datasets import Skipped


class Encoded(NamedTuple):
  """The codes of one shard.

  Attributes:
    names: of the images that could be read, in the shard's order.
    packed: their packed codes.
    skipped: the others.
  """

  names: list[str]
  packed: UInt8[np.ndarray, "n w"]
  skipped: list[Skipped]


def write(
  directory: pathlib.Path,
  number: int,
  encoded: Encoded,
  *,
  fingerprint: str,
  shard: str,
) -> None:
  """Writes the files of one shard in place of what was there of that number.

  * `00012.npy`, the packed codes [n w], and `00012.txt`, a name a line;
  * `00012.skipped.txt` if an image was skipped, a name, a tab and the reason a
    line;
  * `00012.json`, once all others are there.

  Args:
    directory: is there.
    number: of the shard.
    encoded: what to write.
    fingerprint: of the shard and of what encoded it.
    shard: what `00012.json` calls it.

  Raises:
    OSError: a file cannot be written; then the number counts as not finished.
  """
  _marker(directory, number).unlink(missing_ok=True)
  for suffix in ("npy", "txt", "skipped.txt"):
    _path(directory, number, suffix).unlink(missing_ok=True)
  names = [_printable(name) for name in encoded.names]
  with checkpoint.replacing_file(_path(directory, number, "npy")) as file:
    np.save(file, encoded.packed)
  lines = "".join(f"{name}\n" for name in names)
  checkpoint.write_text(_path(directory, number, "txt"), lines)
  if encoded.skipped:
    lines = "".join(
      f"{_printable(name)}\t{_printable(reason)}\n"
      for name, reason in encoded.skipped
    )
    checkpoint.write_text(_path(directory, number, "skipped.txt"), lines)
  entry = {
    "fingerprint": fingerprint,
    "shard": shard,
    "num_images": len(names),
    "num_skipped": len(encoded.skipped),
  }
  checkpoint.write_json(_marker(directory, number), entry)


def is_finished(directory: pathlib.Path, number: int, fingerprint: str) -> bool:
  """Tells whether a shard's files are there, and made from the same."""
  marker = _marker(directory, number)
  return checkpoint.read_current(marker, fingerprint) is not None


def _path(directory: pathlib.Path, number: int, suffix: str) -> pathlib.Path:
  return directory / f"{number:05d}.{suffix}"


def _marker(directory: pathlib.Path, number: int) -> pathlib.Path:
  return _path(directory, number, "json")


def _printable(text: str) -> str:
  """Writes what would break a line, or is no text at all, as escapes."""
  return "".join(
    c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
  )
