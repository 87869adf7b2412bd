"""The queries of Oxford Buildings and their lists, as they are published."""

import posixpath
from collections.abc import Sequence
from typing import NamedTuple

from dsth_jax.datasets import image_files
from dsth_jax.datasets.archives import Archive
from dsth_jax.datasets.image_lists import ImageList

# The file of a query names its image with this prefix; the lists do not.
_PREFIX = "oxc1_"
_END = "_query.txt"


class Query(NamedTuple):
  """A published query.

  Attributes:
    name: such as "all_souls_1".
    image: the file that it is a part of, such as "all_souls_000013.jpg".
    box: of that part.
    relevant: files of the good and of the ok images.
    junk: files of images that are ignored.
  """

  name: str
  image: str
  box: image_files.Box
  relevant: tuple[str, ...]
  junk: tuple[str, ...]

  @property
  def row(self) -> str:
    """The name of the cut-out part in the prepared set."""
    return f"query/{self.name}"


def read_queries(archive: Archive) -> list[Query]:
  """Reads NAME_query.txt, NAME_good.txt, NAME_ok.txt and NAME_junk.txt.

  Raises:
    ValueError: a list is missing, or a query is not an image and four numbers.
  """
  files = {posixpath.basename(name): name for name in archive.names}
  names = [name.removesuffix(_END) for name in files if name.endswith(_END)]
  return [_read_query(archive, files, name) for name in sorted(names)]


def image_lists(queries: Sequence[Query]) -> list[ImageList]:
  """Returns the lists of the queries by the names in the prepared set."""
  return [ImageList(each.row, each.relevant, each.junk) for each in queries]


def _read_query(archive: Archive, files: dict[str, str], name: str) -> Query:
  def text(end: str) -> str:
    file = f"{name}{end}"
    if file not in files:
      raise ValueError(
        f"{archive.path} has {name}{_END}, but no {file}: {archive.again}."
      )
    return archive.read(files[file]).decode("utf-8", "replace")

  line = text(_END)
  image, *numbers = line.split() or [""]
  try:
    left, top, right, bottom = map(float, numbers)
  except ValueError as error:
    raise ValueError(
      f"{name}{_END} in {archive.path} is {line.strip()!r}, but the name of an "
      "image and the left, top, right and bottom of a box are needed: "
      f"{archive.again}."
    ) from error
  return Query(
    name=name,
    image=f"{image.removeprefix(_PREFIX)}.jpg",
    box=(left, top, right, bottom),
    relevant=_files(text("_good.txt") + "\n" + text("_ok.txt")),
    junk=_files(text("_junk.txt")),
  )


def _files(text: str) -> tuple[str, ...]:
  return tuple(f"{name}.jpg" for name in text.split())
