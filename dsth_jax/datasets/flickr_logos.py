"""FlickrLogos-32 from its published archive.

The evaluation that is published with it searches the training and validation
lists by the test images with a logo. Here these are the test and train parts.
The validation list has 3,000 images without a logo: they have no label, so they
are relevant to no query. Those of the test list are left out.

References:
  Romberg, Garcia Pueyo, Lienhart and van Zwol, Scalable logo recognition in
  real-world images, ICMR 2011.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from dsth_jax.datasets import archives, image_files, published_builder
from dsth_jax.datasets.dataset import Dataset

# The lists of each part.
_LISTS = {"train": ("trainset.txt", "valset.txt"), "test": ("testset.txt",)}
_NO_LOGO = "no-logo"


class FlickrLogos(NamedTuple):
  """The set as it is published.

  Attributes:
    archive: that holds it.
    num_images: of each part.
  """

  archive: archives.Published
  num_images: Mapping[str, int]


FLICKR_LOGOS_32 = FlickrLogos(
  archives.Published(
    file="FlickrLogos-32_dataset_v2.zip",
    folder="FlickrLogos-v2",
    url="https://www.uni-augsburg.de/de/fakultaet/fai/informatik/prof/mmc/"
    "research/datensatze/flickrlogos/ (on request)",
  ),
  num_images={"train": 320 + 960 + 3_000, "test": 960},
)


class FlickrLogosArchive(published_builder.PhotographBuilder):
  """Photographs with one of 32 logos, or, in the train part, with none."""

  class_names = (
    *("adidas", "aldi", "apple", "becks", "bmw", "carlsberg", "chimay"),
    *("cocacola", "corona", "dhl", "erdinger", "esso", "fedex", "ferrari"),
    *("ford", "fosters", "google", "guiness", "heineken", "HP", "milka"),
    *("nvidia", "paulaner", "pepsi", "rittersport", "shell", "singha"),
    *("starbucks", "stellaartois", "texaco", "tsingtao", "ups"),
  )

  def __init__(
    self,
    published: FlickrLogos,
    *,
    root: str,
    data_dir: str,
    limits: image_files.Limits,
  ):
    """Finds the archive; raises ValueError if it is not there."""
    archive = archives.find(root, [published.archive])
    super().__init__(
      [archive],
      published.num_images,
      limits,
      data_dir=data_dir,
    )

  def find_sources(
    self,
  ) -> dict[str, Sequence[published_builder.Photograph]]:
    """Returns the images of the lists."""
    return {
      part: [
        photograph
        for file in files
        for photograph in self._listed(file)
        if part == "train" or photograph.label is not None
      ]
      for part, files in _LISTS.items()
    }

  def _listed(self, file: str) -> Iterator[published_builder.Photograph]:
    """Yields the images of a list: lines of a class, a comma and a name."""
    (archive,) = self.archives
    known = {name.lower(): i for i, name in enumerate(self.class_names)}
    names = set(archive.names)
    text = archive.read(file).decode("utf-8-sig", "replace")
    for line in filter(None, map(str.strip, text.splitlines())):
      folder, _, name = line.replace(",", " ").partition(" ")
      member = f"classes/jpg/{folder}/{name.strip()}"
      if folder.lower() not in (*known, _NO_LOGO) or member not in names:
        raise ValueError(
          f"{file} in {archive.path} lists {line!r}, but there is no {member}, "
          f"or no such class: {archive.again}."
        )
      label = known.get(folder.lower())
      yield published_builder.Photograph(
        archive, member, f"{folder}/{name.strip()}", label
      )


def load(root: str, data_dir: str, limits: image_files.Limits) -> Dataset:
  """Prepares FlickrLogos-32 from its archive, if needed, and opens it.

  Args:
    root: see `archives.find`.
    data_dir: where the prepared set is.
    limits: which photographs are read.
  """
  builder = FlickrLogosArchive(
    FLICKR_LOGOS_32,
    root=root,
    data_dir=data_dir,
    limits=limits,
  )
  return published_builder.load(builder)
