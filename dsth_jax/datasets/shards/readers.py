"""The encoded images of one shard, whatever its format."""

import os
import posixpath
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from dsth_jax.datasets import folder_scan, image_files
from dsth_jax.datasets.dataset import Skipped
from dsth_jax.datasets.shards.listing import Shard

# Records or rows that are read at once, of images of unknown size.
_ROWS = 16
# A column of a row group is read in pieces of so many bytes, not as a whole.
_PARQUET_BUFFER = 1 << 20


class Encoded(NamedTuple):
  """An image as its shard holds it.

  Attributes:
    name: what the shard calls it.
    data: a file of an image format, of which nothing has been checked.
  """

  name: str
  data: bytes


Item = Encoded | Skipped


class ShardError(ValueError):
  """A shard that cannot be read to its end; others may be."""


def read(shard: Shard) -> Iterator[Item]:
  """Yields a shard's images in its own order, a few of them in memory.

  * .tar (WebDataset): every member with an image's suffix, named without it,
    which is WebDataset's key. Others are passed over, as is what begins with
    a dot.
  * .parquet: the column `image`, of bytes or of Hugging Face's {bytes, path};
    named by the column `name`, else by that path, else by the row's number.
  * .array_record: every record, named by its number.
  * a folder: its image files, named by their paths below it.

  Raises:
    ShardError: the shard has gone, is truncated or damaged, or has no images
      to it.
    ImportError: a .parquet without pyarrow.
    OSError: the disk fails.
  """
  try:
    yield from _READERS[shard.kind](shard)
  except FileNotFoundError as error:
    raise ShardError(
      f"the shard {shard.path} has gone: put it back, or leave it out."
    ) from error


def pyarrow_modules(taker: str) -> tuple[Any, Any]:
  """Returns `pyarrow` and `pyarrow.parquet`, which few need.

  Args:
    taker: what needs them.

  Raises:
    ImportError: they are not installed.
  """
  try:
    import pyarrow
    from pyarrow import parquet
  except ImportError as error:
    raise ImportError(
      f"{taker} takes pyarrow, which is not installed: "
      'pip install "dsth_jax[parquet]"'
    ) from error
  return pyarrow, parquet


def _read_tar(shard: Shard) -> Iterator[Item]:
  try:
    with open(shard.path, "rb") as file:
      with tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
          yield from _read_member(tar, member)
          # The list of all members so far serves links alone.
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
  """Refuses what tarfile takes for an end: no more bytes, or no header."""
  file.seek(end)
  block = file.read(tarfile.BLOCKSIZE)
  if block != tarfile.NUL * tarfile.BLOCKSIZE:
    raise tarfile.ReadError("the mark at the end is missing")


def _read_parquet(shard: Shard) -> Iterator[Item]:
  pyarrow, parquet = pyarrow_modules(shard.path)
  # pyarrow would not say the name as other errors do.
  os.stat(shard.path)
  try:
    with parquet.ParquetFile(shard.path, buffer_size=_PARQUET_BUFFER) as file:
      columns = _parquet_columns(shard, file.schema_arrow, pyarrow.types)
      row = 0
      for batch in file.iter_batches(_ROWS, columns=columns):
        for values in batch.to_pylist():
          yield _of_row(values, row)
          row += 1
  except (pyarrow.ArrowException, OSError) as error:
    if isinstance(error, OSError) and error.errno is not None:
      raise
    raise _damaged(shard, error) from error


def _parquet_columns(shard: Shard, schema: Any, types: Any) -> list[str]:
  """Returns the columns to read, having checked what they hold."""
  names = schema.names
  image = schema.field("image").type if names.count("image") == 1 else None
  if image is not None and types.is_struct(image):
    inner = [image.field(i) for i in range(image.num_fields)]
    image = next((f.type for f in inner if f.name == "bytes"), None)
  if image is None or not (
    types.is_binary(image) or types.is_large_binary(image)
  ):
    raise ShardError(
      f"{shard.path} has no one column `image` of encoded images, but "
      f"{', '.join(names)}: needed are bytes, or a struct with a field `bytes`."
    )
  return [name for name in ("image", "name") if name in names]


def _of_row(values: dict[str, Any], row: int) -> Item:
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
      # This is what says what is wrong with a file without a footer.
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
    f"the shard {shard.path} is truncated or damaged ({reason}): write it anew."
  )
