"""What encoding leaves of each shard: numbered files, whole or not at all.

Workers share a directory and nothing else: each writes the numbers that are
its own, and that a number is finished shows in its `.json`, written last.
"""

import os
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from absl import logging
from jaxtyping import UInt8

from dsth_jax import datasets
from dsth_jax.datasets import Skipped, account, file_kinds, shards
from dsth_jax.datasets.account import Account
from dsth_jax.runtime import artifacts, checksums, files

# What a shard leaves; the first is written once the others are there.
_SUFFIXES = ("json", "npy", "txt", "parquet", "skipped.txt")
_NUMBERED = re.compile(rf"(\d{{5,}})\.({'|'.join(_SUFFIXES)})")


class Encoded(NamedTuple):
  """The codes of one shard.

  Attributes:
    names: of the images that could be read, in the shard's order, one line
      each (see `datasets.escape`).
    packed: their packed codes.
    skipped: those that could not be read.
    account: of everything in the shard.
  """

  names: list[str]
  packed: UInt8[np.ndarray, "n w"]
  skipped: list[Skipped]
  account: Account


def write(
  directory: pathlib.Path,
  number: int,
  encoded: Encoded,
  *,
  file_format: str,
  fingerprint: str,
  shard: str,
) -> None:
  """Writes the files of one shard in place of what was there of its number.

  * npy: `00012.npy`, the packed codes [n w], and `00012.txt`, a name a line;
  * parquet: `00012.parquet`, with the columns `name` and `code`, w bytes;
  * both: `00012.skipped.txt` if an image was skipped, the account after a #,
    then a name, a tab and the reason a line; and `00012.json`, once all others are there.

  Args:
    directory: is there.
    number: of the shard.
    encoded: what to write.
    file_format: a name in `FORMATS`.
    fingerprint: of the shard, of what encoded it and of the format.
    shard: what `00012.json` calls it.

  Raises:
    OSError: a file cannot be written; then the number counts as not finished.
  """
  remove(directory, number)
  FORMATS[file_format](directory, number, encoded.names, encoded.packed)
  if encoded.skipped:
    lines = "".join(
      f"{name}\t{datasets.escape(reason)}\n" for name, reason in encoded.skipped
    )
    text = f"# {encoded.account.sentence()}\n{lines}"
    artifacts.write_text(_path(directory, number, "skipped.txt"), text)
  written = [
    path.name
    for suffix in _SUFFIXES[1:]
    if (path := _path(directory, number, suffix)).exists()
  ]
  files.sync(directory)
  entry = {
    "fingerprint": fingerprint,
    "shard": shard,
    "format": file_format,
    "num_images": len(encoded.names),
    "num_skipped": len(encoded.skipped),
    "found": encoded.account._asdict(),
  }
  listed = checksums.checksums(directory, written)
  artifacts.write_json(
    _marker(directory, number),
    {**entry, "files": listed, "checksum": _checksum(entry, listed)},
  )


def is_finished(directory: pathlib.Path, number: int, fingerprint: str) -> bool:
  """Tells whether a shard's files are what was written, from the same."""
  return _entry(directory, number, fingerprint, is_read=True) is not None


def write_index(
  directory: pathlib.Path,
  fingerprints: Sequence[str],
  *,
  num_bits: int,
  worker: int,
) -> bool:
  """Writes `index.json` if all shards are finished, by this worker or others.

  A worker that calls this after its last shard sees those of all who came
  before, so the last of them writes it; when two do, they write the same.

  Args:
    directory: of the numbered files.
    fingerprints: of all shards, by number.
    num_bits: of a code.
    worker: makes the temporary name its own.

  Returns:
    Whether all were finished.
  """
  entries = _all_entries(directory, fingerprints)
  if entries is None:
    (directory / "index.json").unlink(missing_ok=True)
    return False
  index = {
    "fingerprint": artifacts.fingerprint(*fingerprints),
    "num_bits": num_bits,
    "num_images": sum(entry["num_images"] for entry in entries),
    "num_skipped": sum(entry["num_skipped"] for entry in entries),
    "found": account.total(
      Account(**entry["found"]) for entry in entries
    )._asdict(),
    "shards": entries,
  }
  own = directory / f"index.{worker}.json"
  artifacts.write_json(own, index)
  own.replace(directory / "index.json")
  return True


def _all_entries(
  directory: pathlib.Path, fingerprints: Sequence[str]
) -> list[dict[str, Any]] | None:
  """Returns what is known of every shard; None if one is not finished."""
  present = set(os.listdir(directory))
  if any(f"{i:05d}.json" not in present for i in range(len(fingerprints))):
    return None
  entries: list[dict[str, Any]] = []
  for number, expected in enumerate(fingerprints):
    entry = _entry(directory, number, expected)
    if entry is None:
      return None
    entries.append({"number": number, **entry})
  return entries


def remove(directory: pathlib.Path, number: int) -> None:
  """Removes the files of a number, first the mark that it is finished."""
  for suffix in _SUFFIXES:
    _path(directory, number, suffix).unlink(missing_ok=True)


def remove_outdated(
  directory: pathlib.Path, fingerprints: Sequence[str]
) -> list[int]:
  """Removes what an earlier command with other shards has left.

  Files of a number that this command does not have go, and so do finished
  shards of another content or hash function, and an `index.json` of others.
  Other workers of this command see the same shards, and their files stay.

  Returns:
    The numbers whose files were removed.
  """
  removed = set()
  for name in sorted(os.listdir(directory)):
    found = _NUMBERED.fullmatch(name)
    if not found:
      continue
    number = int(found[1])
    if number >= len(fingerprints) or (
      found[2] == "json"
      and not is_finished(directory, number, fingerprints[number])
    ):
      remove(directory, number)
      removed.add(number)
  path = directory / "index.json"
  expected = artifacts.fingerprint(*fingerprints)
  if artifacts.read_current(path, expected) is None:
    path.unlink(missing_ok=True)
  return sorted(removed)


def _write_npy(
  directory: pathlib.Path, number: int, names: list[str], packed: np.ndarray
) -> None:
  with artifacts.replacing_file(_path(directory, number, "npy")) as file:
    np.save(file, packed)
  lines = "".join(f"{name}\n" for name in names)
  artifacts.write_text(_path(directory, number, "txt"), lines)


def _write_parquet(
  directory: pathlib.Path, number: int, names: list[str], packed: np.ndarray
) -> None:
  pyarrow, parquet = shards.pyarrow_modules("the format parquet")
  codes = [row.tobytes() for row in packed]
  table = pyarrow.table(
    {
      "name": pyarrow.array(names, pyarrow.string()),
      "code": pyarrow.array(codes, pyarrow.binary(packed.shape[1])),
    }
  )
  with artifacts.replacing_file(_path(directory, number, "parquet")) as file:
    parquet.write_table(table, file)


_Write = Callable[[pathlib.Path, int, list[str], np.ndarray], None]
FORMATS: dict[str, _Write] = {"npy": _write_npy, "parquet": _write_parquet}


def _path(directory: pathlib.Path, number: int, suffix: str) -> pathlib.Path:
  return directory / f"{number:05d}.{suffix}"


def _marker(directory: pathlib.Path, number: int) -> pathlib.Path:
  return _path(directory, number, "json")


def _entry(
  directory: pathlib.Path,
  number: int,
  fingerprint: str,
  *,
  is_read: bool = False,
) -> dict[str, Any] | None:
  """Returns what is known of a finished shard; None if it is not finished.

  Args:
    directory: of the numbered files.
    number: of the shard.
    fingerprint: that it should have.
    is_read: compares the contents of its files and not only their sizes.
  """
  entry = artifacts.read_current(_marker(directory, number), fingerprint)
  if entry is None:
    return None
  listed = entry.pop("files", None)
  if listed is None or entry.pop("checksum", None) != _checksum(entry, listed):
    logging.warning("%s is damaged.", _marker(directory, number))
    return None
  damage = checksums.find_damage(
    directory, listed, max_bytes=2**63 if is_read else 0
  )
  if damage is not None:
    logging.warning("%s: shard %d is encoded again.", damage, number)
  # Images that were skipped for want of a decoder are tried with it.
  lacked = file_kinds.NEEDS_HEIF in entry.get("found", {}).get("skipped", {})
  return None if damage or (lacked and file_kinds.reads_heif()) else entry


def _checksum(entry: dict[str, Any], listed: Any) -> str:
  return artifacts.fingerprint(entry, listed)
