"""Whether prepared sets are what was written, and their removal if not.

The records of a set are found to be damaged when they are read: array_record
has checksums. All sizes, and what lies beside the records, are checked before.
"""

import pathlib
import shutil
from collections.abc import Iterator

import tensorflow_datasets as tfds
from absl import logging

from dsth_jax.runtime import checksums, records

# Every set of our own builders has it.
_CONTENTS = "contents.json"
_ALL_BYTES = 2**63


def folder(name: str, data_dir: str) -> pathlib.Path:
  """Returns where the prepared copies of a set lie.

  Args:
    name: of the set.
    data_dir: of all sets; empty for TFDS's own default.
  """
  default = tfds.core.constants.DATA_DIR
  return pathlib.Path(data_dir or default).expanduser() / name


def seal(root: pathlib.Path) -> None:
  """Lists the files of complete sets with their checksums, once each."""
  for directory in _sets(root):
    if not (directory / records.FILE).exists():
      names = [
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_file()
      ]
      found = checksums.checksums(directory, names)
      known = records.Record({}, {}, {})
      records.write(directory, records.Stored(known, known.fingerprint, found))


def remove_damaged(root: pathlib.Path, *, is_read: bool = False) -> bool:
  """Removes prepared copies that are not what was written; tells if any were.

  Args:
    root: see `folder`.
    is_read: compares the contents of the records too.
  """
  removed = False
  sealed = [path.parent for path in root.rglob(records.FILE)]
  for directory in {*_sets(root), *sealed}:
    damage = _find_damage(directory, is_read)
    if damage is not None:
      logging.warning("%s: the images are prepared again.", damage)
      # A killed removal must not leave what looks like a set; what is called
      # so is removed once another set is prepared.
      moved = directory.with_name(f"incomplete.damaged_{directory.name}")
      shutil.rmtree(moved, ignore_errors=True)
      directory.rename(moved)
      shutil.rmtree(moved, ignore_errors=True)
      removed = True
  return removed


def is_damage(error: BaseException) -> bool:
  """Tells whether an error is array_record's report of a damaged file."""
  words = ("Riegeli", "ArrayRecord")
  return isinstance(error, RuntimeError) and any(
    word in str(error) for word in words
  )


def _find_damage(
  directory: pathlib.Path, is_read: bool
) -> checksums.Damage | None:
  path = directory / records.FILE
  if not path.exists():
    return None  # Of an older version, or of a command that was killed.
  stored = records.read(directory)
  if stored is None:
    return checksums.Damage(path, "is damaged")
  tables = {
    name: found for name, found in stored.files.items() if name.endswith("json")
  }
  limit = _ALL_BYTES if is_read else 0
  return checksums.find_damage(
    directory, stored.files, max_bytes=limit
  ) or checksums.find_damage(directory, tables, max_bytes=_ALL_BYTES)


def _sets(root: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields the complete sets below a directory."""
  for path in sorted(root.rglob(_CONTENTS)):
    if not any(part.startswith("incomplete.") for part in path.parts):
      yield path.parent
