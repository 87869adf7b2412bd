"""INRIA Holidays, and the same among a million images from Flickr.

An image is named by a number; its hundreds are the group, and the one that ends
in 00 is the query of the others. The published evaluation ranks all images, those
of other queries too, and leaves the query out of its ranking: the protocol
queries-in-database.

The publishers give their million distractors as local features without images,
which a network that sees pixels cannot use. Here MIRFLICKR-1M takes their place.

References:
  Jegou, Douze and Schmid, Hamming embedding and weak geometric consistency for
  large scale image search, ECCV 2008; Huiskes, Thomee and Lew, New trends and
  ideas in visual concept detection: the MIR Flickr retrieval evaluation
  initiative, MIR 2010.
"""

import posixpath
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dsth_jax.datasets import (
  archives,
  distractors,
  image_files,
  image_lists,
  published_builder,
)
from dsth_jax.datasets.archives import Archive, Published
from dsth_jax.datasets.dataset import Dataset
from dsth_jax.datasets.image_lists import ImageList
from dsth_jax.datasets.published_builder import Photograph

_URL = "ftp://ftp.inrialpes.fr/pub/lear/douze/data"
_FLICKR_URL = "https://press.liacs.nl/mirflickr/mirflickr1m.v3b"


class Holidays(NamedTuple):
  """The set as it is published.

  Attributes:
    images: its archives, all of them needed.
    distractors: archives of more images, all of them needed.
    num_images: of the set itself.
    num_queries: among them.
    num_distractors: in all archives.
  """

  images: tuple[Published, ...]
  distractors: tuple[Published, ...]
  num_images: int
  num_queries: int
  num_distractors: int


HOLIDAYS = Holidays(
  images=(
    Published("jpg1.tar.gz", "jpg", f"{_URL}/jpg1.tar.gz", size="1.1 GB"),
    Published("jpg2.tar.gz", "jpg", f"{_URL}/jpg2.tar.gz", size="1.6 GB"),
  ),
  distractors=(),
  num_images=1_491,
  num_queries=500,
  num_distractors=0,
)
HOLIDAYS_1M = HOLIDAYS._replace(
  distractors=tuple(
    Published(f"images{i}.zip", "images", f"{_FLICKR_URL}/images{i}.zip")
    for i in range(10)
  ),
  num_distractors=1_000_000,
)


class InriaHolidays(published_builder.PhotographBuilder):
  """The queries ("test") and all others ("train")."""

  def __init__(
    self,
    published: Holidays,
    *,
    root: str,
    data_dir: str,
    limits: image_files.Limits,
  ):
    """Finds the archives; raises ValueError if one is not there."""
    self._published = published
    self._images, self._distractors = (
      _found(root, each) for each in (published.images, published.distractors)
    )
    super().__init__(
      [*self._images, *self._distractors],
      {"test": published.num_queries},
      limits,
      data_dir=data_dir,
    )

  def find_sources(self) -> dict[str, Sequence[Photograph]]:
    """Returns all images in stored order, part by part.

    Raises:
      ValueError: there are more or fewer images than published, or a file is
        not named by a number.
    """
    published = self._published
    images = [
      Photograph(archive, name, posixpath.basename(name), None)
      for archive in self._images
      for name in distractors.image_names(archive)
    ]
    names = [image.name for image in images]
    distractors.check_count(
      self._images[-1],
      "images with those before",
      len(names),
      [published.num_images],
    )
    image_lists.check(group_lists(names), names)
    more = [
      image
      for archive in self._distractors
      for image in distractors.distractors(archive)
    ]
    for archive in self._distractors[-1:]:
      distractors.check_count(
        archive,
        "images with those before",
        len(more),
        [published.num_distractors],
      )
    return {
      "train": [i for i in images if not _is_query(i.name)] + more,
      "test": [i for i in images if _is_query(i.name)],
    }


def load(
  published: Holidays,
  root: str,
  data_dir: str,
  limits: image_files.Limits,
) -> Dataset:
  """Prepares Holidays from its archives, if needed, and opens it.

  Args:
    published: `HOLIDAYS` or `HOLIDAYS_1M`.
    root: see `archives.find`; all archives are there.
    data_dir: where the prepared set is.
    limits: which photographs are read.

  Raises:
    ValueError: an archive is missing, damaged or not complete, or an image of
      a group cannot be read.
  """
  builder = InriaHolidays(
    published,
    root=root,
    data_dir=data_dir,
    limits=limits,
  )
  dataset = published_builder.load(builder)
  # Distractors are below a folder.
  skipped = (image.name for image in dataset.skipped)
  named = [name for name in (*dataset.names, *skipped) if "/" not in name]
  truth = image_lists.ground_truth(group_lists(named), dataset.names)
  return dataset._replace(ground_truth=truth)


def group_lists(names: Iterable[str]) -> list[ImageList]:
  """Returns the list of each query: the others of its group.

  Raises:
    ValueError: a name is not a number.
  """
  groups: dict[int, list[str]] = {}
  for name in sorted(names):
    groups.setdefault(_number(name) // 100, []).append(name)
  return [
    ImageList(query, tuple(name for name in group if name != query))
    for group in groups.values()
    for query in filter(_is_query, group)
  ]


def _number(name: str) -> int:
  stem, _ = posixpath.splitext(name)
  if not stem.isdecimal():
    raise ValueError(
      f"{name} is among the images of Holidays, whose names are numbers such as "
      "100000.jpg: keep other files out of the folder jpg."
    )
  return int(stem)


def _is_query(name: str) -> bool:
  return _number(name) % 100 == 0


def _found(root: str, published: Sequence[Published]) -> list[Archive]:
  """Finds archives; those that were unpacked to one folder are found once."""
  found = [archives.find(root, [each]) for each in published]
  return list({archive.path: archive for archive in found}.values())
