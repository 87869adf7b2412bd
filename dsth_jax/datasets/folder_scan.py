"""The images of a folder, and their parts and labels by its sub-folders.

>>> layout(["train/cat/1.jpg", "train/dog/2.jpg", "test/cat/3.jpg"])
FolderLayout(parts=['train', 'train', 'test'], labels=[0, 1, 0],
       class_names=('cat', 'dog'))
>>> layout(["1.jpg", "2023/2.jpg"])
FolderLayout(parts=['train', 'train'], labels=None, class_names=())
"""

import collections
import functools
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from absl import logging

from dsth_jax.datasets import file_kinds, image_names, reading
from dsth_jax.datasets.dataset import Skipped

_Result = TypeVar("_Result")

_PARTS = {
  "train": "train",
  "training": "train",
  "test": "test",
  "testing": "test",
  "val": "validation",
  "valid": "validation",
  "validation": "validation",
}


class Entry(NamedTuple):
  """An image file.

  Attributes:
    name: path below the root with "/" between the folders, see
      `image_names.escape`.
    path: to open the file.
    state: size, time of the last change and mode, to detect changes.
  """

  name: str
  path: str
  state: tuple[int, int, int]


class Listing(NamedTuple):
  """Everything below a folder.

  Attributes:
    entries: files to read as images, ordered by name.
    skipped: images and folders of which it is known that they cannot be read.
    not_images: the number of other files, and of folders that are left out, by
      kind.
    left_out: folders that this package has written, and what they are.
    num_found: the number of all files and of folders that are left out.
  """

  entries: list[Entry]
  skipped: list[Skipped]
  not_images: dict[str, int]
  left_out: list[tuple[str, str]]
  num_found: int


class FolderLayout(NamedTuple):
  """A part for each image and, if all images have one, a label."""

  parts: list[str]
  labels: list[int] | None
  class_names: tuple[str, ...]


def scan(root: str) -> Listing:
  """Lists the images below a folder, at any depth.

  Hidden names are left out (`file_kinds.hidden`), and so are folders that this
  package has written, such as the working directory of a run. Links are
  followed, but every directory is read once, by the first path to it (real
  paths before links), so a loop of links ends.

  Raises:
    OSError: a disk or a share failed three times; the error names the file.
  """
  entries, skipped, left_out = [], [], []
  not_images: collections.Counter[str] = collections.Counter()
  num_found = 0
  for below, found in _walk(root):
    num_found += 1
    name = image_names.escape(below)
    if isinstance(found, _Product):
      left_out.append((name, found.what))
      not_images[f"folder of this package ({found.what})"] += 1
      continue
    if isinstance(found, str):
      not_images[found] += 1
      continue
    judged = _judge(root, below, name, found)
    if isinstance(judged, Entry):
      entries.append(judged)
    elif isinstance(judged, Skipped):
      skipped.append(judged)
    else:
      not_images[judged] += 1
  return Listing(
    sorted(entries),
    sorted(skipped),
    dict(not_images.most_common()),
    sorted(left_out),
    num_found,
  )


class _Product(NamedTuple):
  """A folder that this package has written."""

  what: str


# What is found: the status of a file, why it cannot be opened, how it is
# counted where it is left out, or a folder of this package.
_Found = os.stat_result | OSError | str | _Product


def _judge(
  root: str, below: str, name: str, found: os.stat_result | OSError
) -> Entry | Skipped | str:
  """Returns an image, the reason to skip it, or the kind of another file."""
  if isinstance(found, OSError):
    return Skipped(name, f"cannot be opened: {found.strerror}")
  if not stat.S_ISREG(found.st_mode):
    return "no regular file"
  path = os.path.join(root, below)
  try:
    kind = file_kinds.kind(below, functools.partial(_head, path))
  except OSError as error:
    if reading.is_passing(error):
      raise
    return Skipped(name, f"cannot be opened: {error.strerror}")
  if kind != file_kinds.IMAGE:
    return kind
  reason = file_kinds.not_read(below)
  if reason is None and found.st_size == 0:
    reason = "is empty"
  if reason is not None:
    return Skipped(name, reason)
  return Entry(name, path, (found.st_size, found.st_mtime_ns, found.st_mode))


def _head(path: str) -> bytes:
  def read() -> bytes:
    with open(path, "rb") as file:
      return file.read(file_kinds.HEAD_BYTES)

  return reading.tried(path, read)


def layout(names: Sequence[str]) -> FolderLayout:
  """Returns the parts and labels by the folders in the names of images.

  * Folders at the top are parts if their names are train or training, test or
    testing, and val, valid or validation, in any case, and one of them is for
    training. Images next to them belong to `train`. Images for validation are
    the part `test`; where there is a folder for testing too, they join `train`.
    Otherwise all images belong to `train`.
  * Below that, the first folder is the class, at any depth of the image.
  * If an image is in no such folder, or all are in the same one, no image has a
    label; none is dropped.
  """
  folders = [name.split("/")[:-1] for name in names]
  parts = _parts(folders)
  if parts:
    folders = [path[1:] for path in folders]
  else:
    parts = ["train"] * len(names)
  class_names = sorted({path[0] for path in folders if path})
  loose = [name for name, path in zip(names, folders) if not path]
  if loose and class_names:
    logging.warning(
      "%d of %d images are in no class folder (the first: %s), so the set has "
      "no labels: move them into class folders to have labels.",
      len(loose),
      len(names),
      loose[0],
    )
  elif len(class_names) == 1:
    logging.warning(
      "All %d images are of one class (%s), so the set has no labels: add "
      "folders of other classes to have labels.",
      len(names),
      class_names[0],
    )
  if loose or len(class_names) < 2:
    return FolderLayout(parts, None, ())
  index = {name: label for label, name in enumerate(class_names)}
  labels = [index[path[0]] for path in folders]
  return FolderLayout(parts, labels, tuple(class_names))


def _parts(folders: Sequence[Sequence[str]]) -> list[str]:
  """Returns the part of each image; none if the folders are no parts."""
  top = collections.Counter(path[0] for path in folders if path)
  roles = {name: _PARTS.get(name.lower(), "") for name in top}
  if "train" not in roles.values() or "" in roles.values():
    return []
  validation = "train" if "test" in roles.values() else "test"
  place = {
    name: validation if role == "validation" else role
    for name, role in roles.items()
  }
  if len(top) > 1 or "train" not in top:
    logging.info(
      "Folders are taken as parts: %s",
      ", ".join(
        f"{name} ({count:,} images) as {place[name]}"
        for name, count in sorted(top.items())
      ),
    )
  return [place[path[0]] if path else "train" for path in folders]


def _walk(root: str) -> Iterator[tuple[str, _Found]]:
  """Yields every file below a folder, and every folder that is left out."""
  pending, links = collections.deque([""]), collections.deque[str]()
  seen: set[tuple[int, int]] = set()
  while pending or links:
    folder = pending.popleft() if pending else links.popleft()
    try:
      status = _tried(os.stat, f"{root}/{folder}")
      if (status.st_dev, status.st_ino) in seen:
        yield folder, "link to a folder that is read already"
        continue
      seen.add((status.st_dev, status.st_ino))
      members = sorted(_tried(os.listdir, f"{root}/{folder}"))
    except OSError as error:
      yield folder, _not_passing(error)
      continue
    product = file_kinds.product(members) if folder else None
    if product:
      yield folder, _Product(product)
      continue
    for member in members:
      below = f"{folder}/{member}" if folder else member
      hidden = file_kinds.hidden(member)
      if hidden:
        yield below, hidden
        continue
      path = f"{root}/{below}"
      try:
        status = _tried(os.stat, path)
      except OSError as error:
        # A broken link, a link to itself, or a file removed since the listing.
        yield below, _not_passing(error)
        continue
      if not stat.S_ISDIR(status.st_mode):
        yield below, status
      elif os.path.islink(path):
        links.append(below)
      else:
        pending.append(below)


def _tried(function: Callable[[str], _Result], path: str) -> _Result:
  return reading.tried(path, lambda: function(path))


def _not_passing(error: OSError) -> OSError:
  """Raises an error of the disk or share; returns that of a file."""
  if reading.is_passing(error):
    raise error
  return error
