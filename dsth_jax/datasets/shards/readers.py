"""The encoded images of one shard, whatever its format."""

import os
from collections.abc import Iterator
from typing import Any

from dsth_jax.datasets import (
  folder_scan,
  image_files,
  image_names,
  reading,
)
from dsth_jax.datasets.account import Skipped
from dsth_jax.datasets.shards import tar_files
from dsth_jax.datasets.shards.items import Encoded, Item, NotImage
from dsth_jax.datasets.shards.listing import Shard

# Records or rows that are read at a time; the size of their images is unknown.
_ROWS = 16
# A column of a row group is read in pieces of this many bytes.
_PARQUET_BUFFER = 1 << 20


class ShardError(ValueError):
  """A shard that cannot be read to its end."""


def read(
  shard: Shard, *, max_bytes: int = image_files.MAX_BYTES
) -> Iterator[Item]:
  """Yields the images of a shard in order, with a few of them in memory.

  * .tar (WebDataset): every member that `file_kinds` takes for an image; its
    name without the suffix is WebDataset's key. Hidden and other members are
    yielded as `NotImage`.
  * .parquet: the column `image`, of bytes or of Hugging Face's {bytes, path};
    the name is from the column `name`, else that path, else the row number.
  * .array_record: every record; the name is its number.
  * a folder: its image files; the name is the path below the folder.

  Args:
    shard: from `find`.
    max_bytes: an image file with more is skipped.

  Raises:
    ShardError: the shard is missing, truncated or damaged, or has no column of
      images.
    ImportError: pyarrow is needed and not installed.
    OSError: the disk fails, three times for a folder; the error names the file.
  """
  try:
    yield from _READERS[shard.kind](shard, max_bytes)
  except FileNotFoundError as error:
    raise ShardError(
      f"the shard {shard.path} was removed: restore it or leave it out."
    ) from error
  except OSError as error:
    if error.filename is None and error.errno is not None:
      raise OSError(error.errno, error.strerror, shard.path) from error
    raise


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


def _read_tar(shard: Shard, max_bytes: int) -> Iterator[Item]:
  try:
    yield from tar_files.read(shard.path, max_bytes)
  except tar_files.DamagedError as error:
    raise _damaged(shard, error) from error


def _read_parquet(shard: Shard, max_bytes: int) -> Iterator[Item]:
  pyarrow, parquet = pyarrow_modules(shard.path)
  # The error of pyarrow has no file name.
  os.stat(shard.path)
  try:
    with parquet.ParquetFile(shard.path, buffer_size=_PARQUET_BUFFER) as file:
      columns = _parquet_columns(shard, file.schema_arrow, pyarrow.types)
      row = 0
      for batch in file.iter_batches(_ROWS, columns=columns):
        for values in batch.to_pylist():
          yield _small(_parquet_image(values, row), max_bytes)
          row += 1
  except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
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
  name = image_names.escape(name)
  if image is None:
    return Skipped(name, "has no bytes")
  return Encoded(name, image)


def _read_array_record(shard: Shard, max_bytes: int) -> Iterator[Item]:
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
            yield _small(Encoded(f"{row}", data), max_bytes)
    finally:
      # Closing raises the error of a file without a footer.
      reader.close()
  except (RuntimeError, IndexError) as error:
    raise _damaged(shard, error) from error


def _read_folder(shard: Shard, max_bytes: int) -> Iterator[Item]:
  yield from shard.skipped
  for kind, number in shard.not_images.items():
    yield NotImage(kind, number)
  for entry in shard.entries:
    yield _file(entry, max_bytes)


def _file(entry: folder_scan.Entry, max_bytes: int) -> Item:
  def read() -> bytes:
    with open(entry.path, "rb") as file:
      # One more than allowed tells a file that is too large.
      return file.read(max_bytes + 1)

  try:
    data = reading.tried(entry.path, read)
  except OSError as error:
    return Skipped(entry.name, image_files.skip_reason(error))
  return _small(Encoded(entry.name, data), max_bytes)


def _small(item: Item, max_bytes: int) -> Item:
  """Returns the image, or the reason to skip one that is too large."""
  if isinstance(item, Encoded) and len(item.data) > max_bytes:
    return Skipped(item.name, image_files.too_many_bytes(max_bytes))
  return item


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
