"""The list of shards.

>>> list(_braces("a-{08..10}.tar"))
['a-08.tar', 'a-09.tar', 'a-10.tar']
>>> list(_split("a-*.tar, b.tar"))
['a-*.tar', 'b.tar']
"""

import glob
import os
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from dsth_jax.datasets import account, file_kinds, folder_scan
from dsth_jax.datasets.dataset import Skipped
from dsth_jax.runtime import artifacts

# TFDS and others end names with the number of the file and of all files.
_KIND = re.compile(r"\.(tar|parquet|array_record)(-\d+-of-\d+)?$")
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
# Commas that are searched for in one path.
_MOST_COMMAS = 8


class Shard(NamedTuple):
  """Some of the images, in one file or folder.

  Attributes:
    name: for messages.
    path: of the file or folder.
    kind: "tar", "parquet", "array_record" or "folder".
    fingerprint: changes when the shard is written again.
    entries: the image files of a folder.
    skipped: files of a folder of which it is known that they cannot be read.
    not_images: the number of other files of a folder, by kind.
  """

  name: str
  path: str
  kind: str
  fingerprint: str
  entries: Sequence[folder_scan.Entry] = ()
  skipped: Sequence[Skipped] = ()
  not_images: Mapping[str, int] = types.MappingProxyType({})


def find(
  patterns: str | Sequence[str], *, images_per_shard: int
) -> list[Shard]:
  """Lists the shards that patterns name, in the patterns' order.

  Args:
    patterns: paths of files (.tar, .parquet or .array_record) or of folders of
      images, as a list, or with commas between them. A path that exists may
      have commas itself. A path may have `*`, `?` and `[...]`, with
      matches sorted by name, and ranges such as `{000..099}`, which must all
      exist.
    images_per_shard: image files of a folder that make one shard.

  Returns:
    The shards, each once; the same list on every machine that sees the same
    files.

  Raises:
    ValueError: a pattern has no match, or a path does not exist or is neither
      such a file nor a folder with images.
  """
  if images_per_shard < 1:
    raise ValueError(f"images_per_shard is {images_per_shard}: set 1 or more.")
  paths = [
    path
    for given in ([patterns] if isinstance(patterns, str) else patterns)
    for pattern in _split(given)
    for one in _braces(os.path.expanduser(pattern))
    for path in _matches(one)
  ]
  if not paths:
    raise ValueError(
      "no shards were given: pass their paths or a pattern, such as "
      "'photos-*.tar'."
    )
  return [
    shard
    for path in dict.fromkeys(paths)
    for shard in _shards(path, images_per_shard)
  ]


def _split(patterns: str) -> Iterator[str]:
  """Yields the patterns between commas; what exists is not cut at a comma."""
  pieces = patterns.split(",")
  while pieces:
    for number in range(min(len(pieces), 1 + _MOST_COMMAS), 0, -1):
      pattern = ",".join(pieces[:number]).strip()
      if number == 1 or _is_there(pattern):
        break
    if pattern:
      yield pattern
    del pieces[:number]


def _is_there(pattern: str) -> bool:
  """Tells whether a pattern names anything, by the first path of a range."""
  path = next(_braces(os.path.expanduser(pattern)))
  return os.path.exists(path) or (
    glob.has_magic(path) and bool(glob.glob(path))
  )


def _braces(pattern: str) -> Iterator[str]:
  """Yields a path for each number of a range, with the zeros of the first."""
  found = _RANGE.search(pattern)
  if not found:
    yield pattern
    return
  first, last = found.groups()
  for number in range(int(first), int(last) + 1):
    written = f"{number:0{len(first)}d}"
    before, after = pattern[: found.start()], pattern[found.end() :]
    yield from _braces(before + written + after)


def _matches(pattern: str) -> list[str]:
  if os.path.exists(pattern):
    return [pattern]
  if not glob.has_magic(pattern):
    raise ValueError(
      f"the shard {pattern} does not exist: check the path, or wait until it "
      "is written."
    )
  found = sorted(glob.glob(pattern))
  if not found:
    raise ValueError(
      f"no shard matches {pattern}: check the pattern, and keep it in quotes."
    )
  return found


def _shards(path: str, images_per_shard: int) -> list[Shard]:
  if os.path.isdir(path):
    return _folder_shards(path, images_per_shard)
  kind = _KIND.search(os.path.basename(path))
  if not kind:
    raise ValueError(
      f"{path} is no shard: pass .tar, .parquet or .array_record files, or "
      "folders of images."
    )
  status = os.stat(path)
  state = [os.path.realpath(path), status.st_size, status.st_mtime_ns]
  return [Shard(path, path, kind.group(1), artifacts.fingerprint(state))]


def _folder_shards(path: str, images_per_shard: int) -> list[Shard]:
  """Divides the images of a folder into shards, in the order of their names."""
  listing = folder_scan.scan(path)
  if not listing.entries:
    found = account.count(
      listing.num_found, 0, listing.skipped, listing.not_images
    )
    raise ValueError(
      f"the folder {path} holds no image to read ({found.sentence()}): pass a "
      f"folder with {file_kinds.NAMES} files, or the shards in it, as in "
      f"'{path}/*.tar'."
    )
  shards: list[Shard] = []
  for first in range(0, len(listing.entries), images_per_shard):
    entries = listing.entries[first : first + images_per_shard]
    # Files that are no images, or cannot be opened, have no place in the order:
    # the first shard lists them.
    skipped = () if shards else listing.skipped
    not_images = {} if shards else listing.not_images
    states = [[entry.name, *entry.state] for entry in entries]
    state = [os.path.realpath(path), states, skipped, not_images]
    name = f"{path} [{first}:{first + len(entries)}]"
    shards.append(
      Shard(
        name,
        path,
        "folder",
        artifacts.fingerprint(state),
        entries,
        skipped,
        not_images,
      )
    )
  return shards
