"""What an artifact was made from, by what, and which files it has.

It is kept in the artifact's folder as `fingerprint.json`, with a checksum of its
own.
"""

import functools
import hashlib
import json
import pathlib
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from absl import logging

from dsth_jax.runtime.checksums import Checksum
from dsth_jax.runtime.files import read_json, write_json

# Of the folders written here; a change of their layout raises it. Since 2 the
# files are listed.
FORMAT = 2
FILE = "fingerprint.json"


def fingerprint(*parts: Any) -> str:
  """Returns a short hash of JSON-like values."""
  text = json.dumps(parts, sort_keys=True, default=str)
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_format(path: pathlib.Path, received: int, known: int) -> None:
  """Raises ValueError for what a newer version of this package has written."""
  if received > known:
    raise ValueError(
      f"{path} was written by a newer version of dsth_jax (file format "
      f"{received}, this version knows {known}): use that version, or another "
      "directory. Nothing was changed."
    )


class Record(NamedTuple):
  """What an artifact was made from.

  Attributes:
    settings: by name.
    artifacts: identities of other artifacts, by name.
    code: digests of the modules that made it, by name.
    contents: digests of the files that were read, by path.
  """

  settings: Mapping[str, Any]
  artifacts: Mapping[str, str]
  code: Mapping[str, str]
  contents: Mapping[str, str] = {}

  @property
  def fingerprint(self) -> str:
    """A hash of all of it and of the file format."""
    return fingerprint(FORMAT, *map(dict, self))

  def difference(self, old: "Record") -> str:
    """Says in a few words what has changed since an older record."""
    changes = [
      f"{name} was {old.settings[name]}"
      if name in old.settings
      else f"{name} is new"
      for name in _changed(self.settings, old.settings)
    ]
    changes += [
      f"{name} changed" for name in _changed(self.artifacts, old.artifacts)
    ]
    changes += [
      f"the content of {path} changed"
      for path in _changed(self.contents, old.contents)
    ]
    modules = _changed(self.code, old.code)
    if modules:
      changes.append(f"the code of {modules[0]} changed")
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    return ", ".join(changes[:3]) + more


def _changed(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
  """Returns the names whose values differ, or that only one side has."""
  return [
    name
    for name in {**new, **old}
    if name not in new or name not in old or new[name] != old[name]
  ]


class Stored(NamedTuple):
  """What is known of an artifact on disk.

  Attributes:
    record: what it was made from.
    fingerprint: of the record.
    files: checksums of its files, by name.
    made_by: the versions and the machine that made it.
    seconds: that it took.
    images_per_second: at which it was made; None without images.
    num_repairs: how often it was made again because its files were damaged and
      others may have been made from them.
  """

  record: Record
  fingerprint: str
  files: Mapping[str, Checksum]
  made_by: Mapping[str, str] = {}
  seconds: float = 0.0
  images_per_second: float | None = None
  num_repairs: int = 0

  @property
  def identity(self) -> str:
    """What others depend on: what it was made from, and its content."""
    return fingerprint(self.fingerprint, dict(self.files), self.num_repairs)


def write(directory: pathlib.Path, stored: Stored) -> None:
  """Writes down what is known of an artifact."""
  body = {"format": FORMAT, **stored._asdict()}
  body["record"] = stored.record._asdict()
  write_json(directory / FILE, {**body, "checksum": _checksum(body)})


def read(directory: pathlib.Path) -> Stored | None:
  """Returns what is known of an artifact.

  None where there is none, where it is of an older format, and where its record
  is damaged, which is logged.

  Raises:
    ValueError: the artifact is of a newer version of this package.
  """
  path = directory / FILE
  if not path.exists():
    return None
  try:
    body = read_json(path)
    expected = body.pop("checksum", None)
    if expected not in (None, _checksum(body)):
      raise ValueError
  except ValueError:
    _warn(str(path), path.stat().st_mtime_ns)
    return None
  received = body.pop("format", 0)
  if isinstance(received, int):
    check_format(directory, received, FORMAT)
  if received != FORMAT or expected is None:
    return None
  record = Record(**body.pop("record"))
  return Stored(record, **body)


def is_current(
  workdir: pathlib.Path, name: str, settings: Mapping[str, Any]
) -> bool:
  """Tells whether an artifact, if it is there, is of these settings and others.

  Args:
    workdir: of all artifacts.
    name: of this one.
    settings: by section, as config.json has them; one that is missing counts as
      the artifact's own.
  """
  stored = read(workdir / name)
  if stored is None:
    return True
  for other, expected in stored.record.artifacts.items():
    found = read(workdir / other)
    if found is not None and found.identity != expected:
      return False
  return all(
    value == _setting(settings, full_name, value)
    for full_name, value in stored.record.settings.items()
  )


def _setting(settings: Mapping[str, Any], name: str, default: Any) -> Any:
  """Returns a setting by its full name."""
  found: Any = settings
  for part in name.split("."):
    if not isinstance(found, Mapping) or part not in found:
      return default
    found = found[part]
  return found


@functools.cache
def _warn(path: str, _: int) -> None:
  """Names a damaged record, once."""
  logging.warning("%s is damaged.", path)


def _checksum(body: Mapping[str, Any]) -> int:
  return zlib.crc32(json.dumps(body, sort_keys=True).encode())
