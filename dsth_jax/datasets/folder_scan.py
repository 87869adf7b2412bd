"""Which images a folder holds, and what its sub-folders say about them.

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
    name: path below the root with "/" between the folders, printable whatever
      bytes the file system holds.
    path: what opens it.
    state: size, time of the last change and mode, which say if it changed.
  """

  name: str
  path: str
  state: tuple[int, int, int]


class Listing(NamedTuple):
  """Everything below a folder.

  Attributes:
    entries: ordered by name.
    skipped: image files and folders that cannot be opened at all.
    num_others: files that are not named as an image.
  """

  entries: list[Entry]
  skipped: list[Skipped]
  num_others: int


class Layout(NamedTuple):
  """What the folders say: one part and, if all have one, one label an image."""

  parts: list[str]
  labels: list[int] | None
  class_names: tuple[str, ...]


def scan(root: str) -> Listing:
  """Lists the images below a folder, at any depth.

  Names that begin with a dot are passed over, as a shell does. Links are
  followed, but every directory is read once, by the first path to it (real
  paths before links), so a loop of links ends.
  """
  entries, skipped, num_others = [], [], 0
  for below, found in _walk(root):
    # Names may hold any bytes; these print everywhere and stay distinct.
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
  """Whether a name's ending says image; a pipe of that name would hang us."""
  named = os.path.splitext(path)[1].lower() in EXTENSIONS
  return named and stat.S_ISREG(status.st_mode)


def layout(names: Sequence[str]) -> Layout:
  """Reads parts and labels off the folders in the images' names.

  * Folders `train` and, maybe, `test` at the top are the parts, if no other
    folder stands beside them; images beside them belong to `train`. Anything
    else is `train` as a whole.
  * Below that, the first folder is the class, however deep the image lies.
  * It labels all or nothing: when an image lies in no such folder, or all in
    one, there are no labels. No image is dropped for that.
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
      "%d of %d images lie in no class folder (the first: %s), so the set "
      "counts as one without labels; move them into one to have labels.",
      len(loose),
      len(names),
      loose[0],
    )
  elif len(class_names) == 1:
    logging.warning(
      "All %d images are of one class (%s), which tells nothing apart, so the "
      "set counts as one without labels; add folders of others to have labels.",
      len(names),
      class_names[0],
    )
  if loose or len(class_names) < 2:
    return Layout(parts, None, ())
  index = {name: label for label, name in enumerate(class_names)}
  labels = [index[path[0]] for path in folders]
  return Layout(parts, labels, tuple(class_names))


def _walk(root: str) -> Iterator[tuple[str, os.stat_result | OSError]]:
  """Yields every file below a folder, and what cannot be opened."""
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
        # A link to nothing or to itself, or a file gone since the listing.
        yield below, error
        continue
      if not stat.S_ISDIR(status.st_mode):
        yield below, status
      elif os.path.islink(path):
        links.append(below)
      else:
        pending.append(below)
