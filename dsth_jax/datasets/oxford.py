"""Oxford Buildings: 5K, and 105K with distractors from Flickr.

Good and ok images are relevant, junk is ignored, all others are not relevant.
A query is the part of its image inside the published box, and a row in addition
to that image. The whole image stays in the database, as in the published
protocol: the lists have it among the good ones. It is searched and never trained
on, since its pixels are the query's.

References:
  Philbin, Chum, Isard, Sivic and Zisserman, Object retrieval with large
  vocabularies and fast spatial matching, CVPR 2007.
"""

import posixpath
from collections.abc import Collection, Sequence
from typing import NamedTuple

from dsth_jax.datasets import (
  archives,
  distractors,
  image_files,
  image_lists,
  oxford_queries,
  published_builder,
)
from dsth_jax.datasets.archives import Published
from dsth_jax.datasets.dataset import Dataset
from dsth_jax.datasets.oxford_queries import Query
from dsth_jax.datasets.published_builder import Photograph

_PARTS = ("train", "database", "test")
_URL = "https://www.robots.ox.ac.uk/~vgg/data/oxbuildings"


class Oxford(NamedTuple):
  """The set as it is published.

  Attributes:
    images: archives of the same images, the preferred one first.
    lists: of the queries.
    distractors: of 105K; None for 5K.
    num_images: the numbers that may be in the archive.
    num_queries: with lists.
    num_distractors: if there are any.
  """

  images: tuple[Published, ...]
  lists: Published
  distractors: Published | None
  num_images: tuple[int, ...]
  num_queries: int
  num_distractors: int


OXFORD_5K = Oxford(
  images=tuple(
    Published(f"{name}.tgz", name, f"{_URL}/{name}.tgz", size="1.9 GB")
    for name in ("oxbuild_images-v1", "oxbuild_images")
  ),
  lists=Published(
    "gt_files_170407.tgz", "gt_files_170407", f"{_URL}/gt_files_170407.tgz"
  ),
  distractors=None,
  # The publishers write of 5,062; their archive has one more.
  num_images=(5_062, 5_063),
  num_queries=55,
  num_distractors=100_071,
)
OXFORD_105K = OXFORD_5K._replace(
  distractors=Published(
    "oxc1_100k.tar",
    "oxc1_100k",
    f"{_URL}/flickr100k.html",
    how=f"download the files oxc1_100k.part*.rar from {_URL}/flickr100k.html, and "
    "unpack them in that folder (unrar x oxc1_100k.part01.rar).",
  )
)


class OxfordBuildings(published_builder.PhotographBuilder):
  """The queries ("test"), their whole images ("database") and all others."""

  def __init__(
    self,
    published: Oxford,
    queries: Sequence[Query],
    *,
    root: str,
    data_dir: str,
    limits: image_files.Limits,
  ):
    """Finds the archives; raises ValueError if one is not there."""
    self._published, self._queries = published, queries
    found = [archives.find(root, published.images)]
    if published.distractors is not None:
      found.append(archives.find(root, [published.distractors]))
    super().__init__(found, {}, limits, data_dir=data_dir, settings=[queries])

  def find_sources(self) -> dict[str, Sequence[Photograph]]:
    """Returns all images in stored order, and the queries.

    Raises:
      ValueError: there are more or fewer images than published, or the lists
        name one that is not there.
    """
    images, *others = self.archives
    members = {
      posixpath.basename(name): name for name in distractors.image_names(images)
    }
    published = self._published
    distractors.check_count(
      images, "images", len(members), published.num_images
    )
    self._check_lists(members)
    by_image: dict[str, list[Query]] = {}
    for query in self._queries:
      by_image.setdefault(query.image, []).append(query)
    parts: dict[str, list[Photograph]] = {name: [] for name in _PARTS}
    for file, member in members.items():
      whole = Photograph(images, member, file, None)
      queries = by_image.get(file, [])
      parts["database" if queries else "train"].append(whole)
      parts["test"] += [
        whole._replace(name=query.row, box=query.box) for query in queries
      ]
    for archive in others:
      found = list(distractors.distractors(archive))
      distractors.check_count(
        archive, "images", len(found), [published.num_distractors]
      )
      parts["train"] += found
    return dict(parts)

  def _check_lists(self, members: Collection[str]) -> None:
    """Refuses lists that do not fit the images, before any work."""
    for query in self._queries:
      if query.image not in members:
        raise ValueError(
          f"the query {query.name} is a part of {query.image}, which is not in "
          f"{self.archives[0].path}: use images and lists as published."
        )
    rows = [query.row for query in self._queries]
    image_lists.check(
      oxford_queries.image_lists(self._queries), {*members, *rows}
    )


def load(
  published: Oxford,
  root: str,
  data_dir: str,
  limits: image_files.Limits,
) -> Dataset:
  """Prepares Oxford Buildings from its archives, if needed, and opens it.

  Args:
    published: `OXFORD_5K` or `OXFORD_105K`.
    root: see `archives.find`; all archives are there.
    data_dir: where the prepared set is.
    limits: which photographs are read.

  Raises:
    ValueError: an archive is missing, damaged or not complete, or the lists do
      not fit the images.
  """
  with archives.find(root, [published.lists]) as lists:
    queries = oxford_queries.read_queries(lists)
    distractors.check_count(
      lists, "queries", len(queries), [published.num_queries]
    )
  builder = OxfordBuildings(
    published,
    queries,
    root=root,
    data_dir=data_dir,
    limits=limits,
  )
  dataset = published_builder.load(builder)
  truth = image_lists.ground_truth(
    oxford_queries.image_lists(queries), dataset.names
  )
  return dataset._replace(ground_truth=truth)
