r"""Names of images as one line each, from which the name comes back.

A line is the name, except that these are escaped: control characters, line and
paragraph separators and lone surrogates as `\u` and four hexadecimal digits,
bytes that are not UTF-8 as `\x` and two, and a backslash that would read as the
beginning of such an escape.

>>> escape("two\nlines")
'two\\u000alines'
>>> unescape(r"two\u000alines")
'two\nlines'
>>> import os
>>> escape(os.fsdecode(b"caf\xe9.jpg"))
'caf\\xe9.jpg'
"""

import os
import pathlib
import re

_ESCAPED = re.compile(
  # Everything at which str.splitlines cuts is a control character or one of
  # U+2028 and U+2029.
  "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
  r"|\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})"
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4}))")
# `os.fsdecode` turns the byte b into the character of this number plus b.
_BYTES = 0xDC00


def escape(name: str) -> str:
  """Returns a name as one line of text that UTF-8 can encode.

  Args:
    name: as `os.fsdecode` gives it, with a lone surrogate for each byte that is
      not UTF-8.
  """
  return _ESCAPED.sub(lambda found: _escaped(ord(found[0])), name)


def unescape(line: str) -> str:
  """Returns the name that `escape` was given; it opens the file."""
  return _ESCAPE.sub(_unescaped, line)


def read_names(path: str | os.PathLike) -> list[str]:
  """Returns the names of images, a name for each row of the codes beside them.

  Args:
    path: `codes/names.txt` of a run, or a numbered `.txt` or `.parquet` of
      encoded shards.

  Returns:
    The names, relative to the folder of the images or to the shard; those of
    files open them.

  Raises:
    ValueError: the file is no list of names.
    OSError: it cannot be read.
    ImportError: it is .parquet, and pyarrow is not installed.
  """
  path = pathlib.Path(path)
  if path.suffix == ".parquet":
    return _read_parquet(path)
  try:
    text = path.read_bytes().decode("utf-8")
  except UnicodeDecodeError as error:
    raise ValueError(
      f"{path} is no list of names, it is not UTF-8 ({error.reason}): name "
      "codes/names.txt of a run, or a file of encode_shards."
    ) from error
  lines = text.split("\n")
  return [unescape(line) for line in (lines if lines[-1] else lines[:-1])]


def _read_parquet(path: pathlib.Path) -> list[str]:
  try:
    import pyarrow
    from pyarrow import parquet
  except ImportError as error:
    raise ImportError(
      f"{path} needs pyarrow, which is not installed: "
      'pip install "dsth_jax[parquet]"'
    ) from error
  try:
    table = parquet.read_table(path, columns=["name"])
    return [unescape(line) for line in table["name"].to_pylist()]
  except (pyarrow.ArrowException, KeyError) as error:
    raise ValueError(
      f"{path} has no column of names ({error}): name a file of encode_shards."
    ) from error


def _escaped(number: int) -> str:
  byte = number - _BYTES
  return f"\\x{byte:02x}" if 0x80 <= byte < 0x100 else f"\\u{number:04x}"


def _unescaped(found: re.Match[str]) -> str:
  if found[1]:
    return chr(_BYTES + int(found[1], 16))
  return chr(int(found[2], 16))
