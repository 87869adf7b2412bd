"""Files of prepared records, and what each record was made from.

Beside a file is its list, `FILE.sources.json`, so that an unchanged image is
taken from the old file when its folder has changed.
"""

import contextlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from array_record.python import array_record_module
from tensorflow_datasets.proto import tf_example_pb2

_SUFFIX = ".sources.json"
# Records that are read at a time.
_ROWS = 64


class Source(NamedTuple):
  """What a record is made from.

  Attributes:
    name: of the image.
    state: of its file; another state, another image.
    label: index of the class, or None.
  """

  name: str
  state: tuple[int, ...]
  label: int | None


class RecordFile(NamedTuple):
  """A file of records.

  Attributes:
    path: of the file.
    sources: one a record, in order.
  """

  path: pathlib.Path
  sources: Sequence[Source]


def find(directory: pathlib.Path, part: str) -> list[RecordFile]:
  """Returns the complete files of a part in a folder, in order.

  Args:
    directory: of the prepared set, or of one that was not finished.
    part: "train" or "test".
  """
  found = []
  for listed in sorted(directory.glob(f"*{_SUFFIX}")):
    content = json.loads(listed.read_text("utf-8"))
    path = listed.with_name(listed.name.removesuffix(_SUFFIX))
    if content["part"] == part and path.is_file():
      sources = [
        Source(name, tuple(state), label)
        for name, state, label in content["sources"]
      ]
      found.append(RecordFile(path, sources))
  return found


def write_list(file: RecordFile, part: str) -> None:
  """Writes the list of a complete file."""
  text = json.dumps({"part": part, "sources": file.sources})
  path = _list_of(file.path)
  partial = path.with_suffix(".partial")
  partial.write_text(text, "utf-8")
  partial.replace(path)


def move(file: RecordFile, path: pathlib.Path) -> RecordFile:
  """Moves a file and its list."""
  file.path.replace(path)
  _list_of(file.path).replace(_list_of(path))
  return file._replace(path=path)


def link(file: RecordFile, path: pathlib.Path) -> RecordFile:
  """Gives a file a second name, or copies it where links do not work."""
  try:
    os.link(file.path, path)
  except OSError:
    shutil.copyfile(file.path, path)
  return file._replace(path=path)


@contextlib.contextmanager
def writer(path: pathlib.Path) -> Iterator[Any]:
  """Opens a file of records as TFDS writes them, one a group."""
  opened = array_record_module.ArrayRecordWriter(str(path), "group_size:1")
  try:
    yield opened
  finally:
    opened.close()


class Rows:
  """Records of a file by row; rows that are asked for in order read ahead."""

  def __init__(self, path: pathlib.Path):
    self._reader = array_record_module.ArrayRecordReader(str(path))
    self._count = self._reader.num_records()
    self._first, self._records = 0, list[bytes]()

  def __getitem__(self, row: int) -> bytes:
    if not self._first <= row < self._first + len(self._records):
      end = min(row + _ROWS, self._count)
      self._first, self._records = row, self._reader.read(row, end)
    return self._records[row - self._first]

  def close(self) -> None:
    """Closes the file."""
    self._reader.close()


def serialize(name: str, image: bytes, label: int | None) -> bytes:
  """Returns a record as TFDS writes it."""
  example = tf_example_pb2.Example()
  feature = example.features.feature
  feature["image"].bytes_list.value.append(image)
  feature["name"].bytes_list.value.append(name.encode())
  return _with_label(example, label)


def relabel(record: bytes, label: int | None) -> bytes:
  """Returns a record with another label; the image stays as it is."""
  return _with_label(tf_example_pb2.Example.FromString(record), label)


def _with_label(example: Any, label: int | None) -> bytes:
  feature = example.features.feature
  if "label" in feature:
    del feature["label"]
  if label is not None:
    feature["label"].int64_list.value.append(label)
  return example.SerializeToString()


def _list_of(path: pathlib.Path) -> pathlib.Path:
  return path.with_name(path.name + _SUFFIX)
