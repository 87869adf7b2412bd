"""The images of a folder, and their parts and labels by its sub-folders.

>>> layout(["train/cat/1.jpg", "train/dog/2.jpg", "test/cat/3.jpg"])
Layout(parts=['train', 'train', 'test'], labels=[0, 1, 0],
       class_names=('cat', 'dog'))
>>> layout(["1.jpg", "2023/2.jpg"])
Layout(parts=['train', 'train'], labels=None, class_names=())
"""

import collections
import os
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from absl import logging

from dsth_jax.datasets.dataset import Skipped

EXTENSIONS = (
  ".bmp",
  ".gif",
  ".jfif",
  ".jpe",
  ".jpeg",
  ".jpg",
  ".png",
  ".webp",
)


class Entry(NamedTuple):
  """An image file.

  Attributes:
    name: path below the root with "/" between the folders, always printable.
    path: to open the file.
    state: size, time of the last change and mode, to detect changes.
  """

  name: str
  path: str
  state: tuple[int, int, int]


class Listing(NamedTuple):
  """Everything below a folder.

  Attributes:
    entries: ordered by name.
    skipped: image files and folders that cannot be opened at all.
    num_others: number of files without the name of an image.
  """

  entries: list[Entry]
  skipped: list[Skipped]
  num_others: int


class Layout(NamedTuple):
  """A part for each image and, if all images have one, a label."""

  parts: list[str]
  labels: list[int] | None
  class_names: tuple[str, ...]


def scan(root: str) -> Listing:
  """Lists the images below a folder, at any depth.

  Names that begin with a dot are left out, as in a shell. Links are followed,
  but every directory is read once, by the first path to it (real paths before
  links), so a loop of links ends.
  """
  entries, skipped, num_others = [], [], 0
  for below, found in _walk(root):
    # Names may hold any bytes; escaped, they can be printed and stay distinct.
    name = os.fsencode(below).decode("utf-8", "backslashreplace")
    if isinstance(found, OSError):
      skipped.append(Skipped(name, f"cannot be opened: {found.strerror}"))
    elif not is_image(below, found):
      num_others += 1
    elif found.st_size == 0:
      skipped.append(Skipped(name, "is empty"))
    else:
      state = (found.st_size, found.st_mtime_ns, found.st_mode)
      entries.append(Entry(name, os.path.join(root, below), state))
  return Listing(sorted(entries), sorted(skipped), num_others)


def is_image(path: str, status: os.stat_result) -> bool:
  """Returns whether a file has the name of an image and is no pipe."""
  named = os.path.splitext(path)[1].lower() in EXTENSIONS
  return named and stat.S_ISREG(status.st_mode)


def layout(names: Sequence[str]) -> Layout:
  """Returns the parts and labels by the folders in the names of images.

  * Folders `train` and, optionally, `test` at the top are the parts, if there
    is no other folder at the top; images next to them belong to `train`.
    Otherwise all images belong to `train`.
  * Below that, the first folder is the class, at any depth of the image.
  * If an image is in no such folder, or all are in the same one, no image has a
    label; none is dropped.
  """
  folders = [name.split("/")[:-1] for name in names]
  top = {path[0].lower() for path in folders if path}
  if "train" in top and top <= {"train", "test"}:
    parts = [path[0].lower() if path else "train" for path in folders]
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
    return Layout(parts, None, ())
  index = {name: label for label, name in enumerate(class_names)}
  labels = [index[path[0]] for path in folders]
  return Layout(parts, labels, tuple(class_names))


def _walk(root: str) -> Iterator[tuple[str, os.stat_result | OSError]]:
  """Yields every file below a folder, or the error of opening it."""
  pending, links = collections.deque([""]), collections.deque[str]()
  seen: set[tuple[int, int]] = set()
  while pending or links:
    folder = pending.popleft() if pending else links.popleft()
    try:
      status = os.stat(os.path.join(root, folder))
      if (status.st_dev, status.st_ino) in seen:
        continue
      seen.add((status.st_dev, status.st_ino))
      members = os.listdir(os.path.join(root, folder))
    except OSError as error:
      yield folder, error
      continue
    for member in sorted(members):
      if member.startswith("."):
        continue
      below = f"{folder}/{member}" if folder else member
      path = f"{root}/{below}"
      try:
        status = os.stat(path)
      except OSError as error:
        # A broken link, a link to itself, or a file removed since the listing.
        yield below, error
        continue
      if not stat.S_ISDIR(status.st_mode):
        yield below, status
      elif os.path.islink(path):
        links.append(below)
      else:
        pending.append(below)
