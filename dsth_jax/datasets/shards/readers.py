"""The encoded images of one shard, whatever its format."""

import os
import posixpath
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from dsth_jax.datasets import folder_scan, image_files
from dsth_jax.datasets.dataset import Skipped
from dsth_jax.datasets.shards.listing import Shard

# Records or rows that are read at a time; the size of their images is unknown.
_ROWS = 16
# A column of a row group is read in pieces of this many bytes.
_PARQUET_BUFFER = 1 << 20


class Encoded(NamedTuple):
  """An image of a shard.

  Attributes:
    name: in the shard.
    data: bytes of an image file, not checked.
  """

  name: str
  data: bytes


Item = Encoded | Skipped


class ShardError(ValueError):
  """A shard that cannot be read to its end."""


def read(shard: Shard) -> Iterator[Item]:
  """Yields the images of a shard in order, with a few of them in memory.

  * .tar (WebDataset): every member with the suffix of an image; its name
    without the suffix is WebDataset's key. Other members are left out, and so
    are names that begin with a dot.
  * .parquet: the column `image`, of bytes or of Hugging Face's {bytes, path};
    the name is from the column `name`, else that path, else the row number.
  * .array_record: every record; the name is its number.
  * a folder: its image files; the name is the path below the folder.

  Raises:
    ShardError: the shard is missing, truncated or damaged, or has no column of
      images.
    ImportError: pyarrow is needed and not installed.
    OSError: the disk fails.
  """
  try:
    yield from _READERS[shard.kind](shard)
  except FileNotFoundError as error:
    raise ShardError(
      f"the shard {shard.path} was removed: restore it or leave it out."
    ) from error


def pyarrow_modules(taker: str) -> tuple[Any, Any]:
  """Returns `pyarrow` and `pyarrow.parquet`, which are optional.

  Args:
    taker: what needs them, for the error.

  Raises:
    ImportError: they are not installed.
  """
  try:
    import pyarrow
    from pyarrow import parquet
  except ImportError as error:
    raise ImportError(
      f"{taker} needs pyarrow, which is not installed: "
      'pip install "dsth_jax[parquet]"'
    ) from error
  return pyarrow, parquet


def _read_tar(shard: Shard) -> Iterator[Item]:
  try:
    with open(shard.path, "rb") as file:
      with tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
          yield from _read_member(tar, member)
          # Only links need the list of all members so far.
          tar.members = []  # type: ignore[attr-defined]
        end = tar.offset
      _check_end(file, end)
  except tarfile.TarError as error:
    raise _damaged(shard, error) from error


def _read_member(
  tar: tarfile.TarFile, member: tarfile.TarInfo
) -> Iterator[Item]:
  path = member.name.removeprefix("./")
  name, suffix = posixpath.splitext(path)
  hidden = any(part.startswith(".") for part in path.split("/"))
  if hidden or suffix.lower() not in folder_scan.EXTENSIONS or member.isdir():
    return
  file = tar.extractfile(member) if member.isreg() else None
  if file is None:
    yield Skipped(name, "is not a file")
    return
  data = file.read()
  if len(data) < member.size:
    raise tarfile.ReadError("unexpected end of data")
  yield Encoded(name, data)


def _check_end(file: BinaryIO, end: int) -> None:
  """Raises at an end that tarfile accepts: no more bytes, or no header."""
  file.seek(end)
  block = file.read(tarfile.BLOCKSIZE)
  if block != tarfile.NUL * tarfile.BLOCKSIZE:
    raise tarfile.ReadError("the mark at the end is missing")


def _read_parquet(shard: Shard) -> Iterator[Item]:
  pyarrow, parquet = pyarrow_modules(shard.path)
  # The error of pyarrow has no file name.
  os.stat(shard.path)
  try:
    with parquet.ParquetFile(shard.path, buffer_size=_PARQUET_BUFFER) as file:
      columns = _parquet_columns(shard, file.schema_arrow, pyarrow.types)
      row = 0
      for batch in file.iter_batches(_ROWS, columns=columns):
        for values in batch.to_pylist():
          yield _parquet_image(values, row)
          row += 1
  except (pyarrow.ArrowException, OSError) as error:
    if isinstance(error, OSError) and error.errno is not None:
      raise
    raise _damaged(shard, error) from error


def _parquet_columns(shard: Shard, schema: Any, types: Any) -> list[str]:
  """Returns the columns to read, after a check of their types."""
  names = schema.names
  image = schema.field("image").type if names.count("image") == 1 else None
  if image is not None and types.is_struct(image):
    inner = [image.field(i) for i in range(image.num_fields)]
    image = next((f.type for f in inner if f.name == "bytes"), None)
  if image is None or not (
    types.is_binary(image) or types.is_large_binary(image)
  ):
    raise ShardError(
      f"{shard.path} has the columns {', '.join(names)}, but one column `image` "
      "of encoded images is needed: write bytes, or a struct with a field "
      "`bytes`."
    )
  return [name for name in ("image", "name") if name in names]


def _parquet_image(values: dict[str, Any], row: int) -> Item:
  image, name = values["image"], values.get("name")
  path = None
  if isinstance(image, dict):
    image, path = image["bytes"], image.get("path")
  name = next(
    (str(known) for known in (name, path) if known is not None), f"{row}"
  )
  if image is None:
    return Skipped(name, "has no bytes")
  return Encoded(name, image)


def _read_array_record(shard: Shard) -> Iterator[Item]:
  from array_record.python import array_record_module

  # A file that is missing would read as one without records.
  os.stat(shard.path)
  try:
    reader = array_record_module.ArrayRecordReader(shard.path)
    try:
      if reader.ok():
        count = reader.num_records()
        for first in range(0, count, _ROWS):
          end = min(first + _ROWS, count)
          for row, data in enumerate(reader.read(first, end), first):
            yield Encoded(f"{row}", data)
    finally:
      # Closing raises the error of a file without a footer.
      reader.close()
  except (RuntimeError, IndexError) as error:
    raise _damaged(shard, error) from error


def _read_folder(shard: Shard) -> Iterator[Item]:
  yield from shard.skipped
  for entry in shard.entries:
    try:
      with open(entry.path, "rb") as file:
        yield Encoded(entry.name, file.read())
    except OSError as error:
      yield Skipped(entry.name, image_files.skip_reason(error))


_READERS = {
  "tar": _read_tar,
  "parquet": _read_parquet,
  "array_record": _read_array_record,
  "folder": _read_folder,
}


def _damaged(shard: Shard, error: Exception) -> ShardError:
  reason = " ".join(str(error).split()) or "its end is missing"
  return ShardError(
    f"the shard {shard.path} is truncated or damaged ({reason}): write it "
    "again."
  )
