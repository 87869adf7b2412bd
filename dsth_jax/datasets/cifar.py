"""CIFAR-10 and CIFAR-100 from their published archives.

>>> FINE_NAMES[:2], COARSE_NAMES[:2]
(('apple', 'aquarium_fish'), ('aquatic_mammals', 'fish'))
>>> COARSE_NAMES[COARSE_OF_FINE[FINE_NAMES.index("whale")]]
'aquatic_mammals'

References:
  Krizhevsky, Learning multiple layers of features from tiny images, 2009;
  https://www.cs.toronto.edu/~kriz/cifar.html has the archives and their MD5.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from dsth_jax.datasets import (
  archives,
  cifar_files,
  image_files,
  prefetch,
  published_builder,
  tfds_builder,
)
from dsth_jax.datasets.dataset import Dataset
from dsth_jax.ground_truth import GroundTruth

# Images that a thread encodes at a time.
_CHUNK = 128

CIFAR10_NAMES = (
  *("airplane", "automobile", "bird", "cat", "deer"),
  *("dog", "frog", "horse", "ship", "truck"),
)
# The coarse classes of CIFAR-100, and the fine classes in each.
_CIFAR100_NAMES = {
  "aquatic_mammals": "beaver dolphin otter seal whale",
  "fish": "aquarium_fish flatfish ray shark trout",
  "flowers": "orchid poppy rose sunflower tulip",
  "food_containers": "bottle bowl can cup plate",
  "fruit_and_vegetables": "apple mushroom orange pear sweet_pepper",
  "household_electrical_devices": "clock keyboard lamp telephone television",
  "household_furniture": "bed chair couch table wardrobe",
  "insects": "bee beetle butterfly caterpillar cockroach",
  "large_carnivores": "bear leopard lion tiger wolf",
  "large_man-made_outdoor_things": "bridge castle house road skyscraper",
  "large_natural_outdoor_scenes": "cloud forest mountain plain sea",
  "large_omnivores_and_herbivores": "camel cattle chimpanzee elephant kangaroo",
  "medium_mammals": "fox porcupine possum raccoon skunk",
  "non-insect_invertebrates": "crab lobster snail spider worm",
  "people": "baby boy girl man woman",
  "reptiles": "crocodile dinosaur lizard snake turtle",
  "small_mammals": "hamster mouse rabbit shrew squirrel",
  "trees": "maple_tree oak_tree palm_tree pine_tree willow_tree",
  "vehicles_1": "bicycle bus motorcycle pickup_truck train",
  "vehicles_2": "lawn_mower rocket streetcar tank tractor",
}


# Both lists are in alphabetical order, as the labels count them.
COARSE_NAMES = tuple(_CIFAR100_NAMES)
FINE_NAMES = tuple(sorted(" ".join(_CIFAR100_NAMES.values()).split()))
_COARSE = {
  fine: number
  for number, names in enumerate(_CIFAR100_NAMES.values())
  for fine in names.split()
}
COARSE_OF_FINE = tuple(_COARSE[name] for name in FINE_NAMES)


class Cifar(NamedTuple):
  """A set as it is published.

  Attributes:
    forms: the preferred one first.
    num_images: of each part.
    labels: what the images are labeled with.
  """

  forms: tuple[cifar_files.Form, ...]
  num_images: Mapping[str, int]
  labels: cifar_files.Labels


class Row(NamedTuple):
  """An image: its name in the prepared set, its file, and the row there."""

  name: str
  file: str
  row: int


def _form(
  kind: str,
  folder: str,
  md5: str,
  size: str,
  files: Mapping[str, Sequence[str]],
) -> cifar_files.Form:
  number, form = kind.split("-")
  file = f"cifar-{number}-{form}.tar.gz"
  archive = archives.Published(
    file, folder, f"https://www.cs.toronto.edu/~kriz/{file}", md5, size
  )
  return cifar_files.Form(archive, files, pickled=form == "python")


CIFAR10 = Cifar(
  forms=(
    _form(
      "10-binary",
      "cifar-10-batches-bin",
      "c32a1d4ab5d03f1284b67883e8d87530",
      "170 MB",
      {
        "train": [f"data_batch_{i}.bin" for i in range(1, 6)],
        "test": ["test_batch.bin"],
      },
    ),
    _form(
      "10-python",
      "cifar-10-batches-py",
      "c58f30108f718f92721af3b95e74349a",
      "170 MB",
      {
        "train": [f"data_batch_{i}" for i in range(1, 6)],
        "test": ["test_batch"],
      },
    ),
  ),
  num_images={"train": 50_000, "test": 10_000},
  labels=cifar_files.Labels((b"labels",), CIFAR10_NAMES),
)
CIFAR100 = Cifar(
  forms=(
    _form(
      "100-binary",
      "cifar-100-binary",
      "03b5dce01913d631647c71ecec9e9cb8",
      "169 MB",
      {"train": ["train.bin"], "test": ["test.bin"]},
    ),
    _form(
      "100-python",
      "cifar-100-python",
      "eb9058c3a382ffc7106e4002c42a8d85",
      "169 MB",
      {"train": ["train"], "test": ["test"]},
    ),
  ),
  num_images={"train": 50_000, "test": 10_000},
  labels=cifar_files.Labels(
    (b"coarse_labels", b"fine_labels"), FINE_NAMES, COARSE_OF_FINE
  ),
)


class CifarArchive(published_builder.PublishedBuilder):
  """Color images of 32 x 32 pixels, as PNG, with their finest labels."""

  def __init__(self, published: Cifar, *, root: str, data_dir: str):
    """Finds the archive; raises ValueError if it is not there."""
    forms = {form.archive: form for form in published.forms}
    archive = archives.find(root, list(forms))
    self._files = forms[archive.published].files
    # Of the file that is being read.
    self._table = functools.lru_cache(maxsize=1)(
      functools.partial(
        cifar_files.read_table,
        archive,
        forms[archive.published],
        published.labels,
      )
    )
    self.class_names = published.labels.class_names
    super().__init__([archive], published.num_images, data_dir=data_dir)

  def find_sources(self) -> dict[str, Sequence[Row]]:
    """Returns the rows of all files; every label is checked."""
    found: dict[str, Sequence[Row]] = {}
    for part, files in self._files.items():
      places = [
        (file, row) for file in files for row in range(len(self._table(file)))
      ]
      found[part] = [
        Row(f"{part}/{i}", *place) for i, place in enumerate(places)
      ]
    return found

  def read(self, sources: Sequence[Row]) -> Iterator[tfds_builder.Record]:
    """Yields the images, encoded in threads."""
    for records in prefetch.prefetch_map(_encode, self._chunks(sources)):
      yield from records

  def _chunks(
    self, sources: Sequence[Row]
  ) -> Iterator[tuple[Sequence[Row], UInt8[np.ndarray, "m values"]]]:
    for file, run in itertools.groupby(sources, key=lambda each: each.file):
      table, rows = self._table(file), list(run)
      for i in range(0, len(rows), _CHUNK):
        chunk = rows[i : i + _CHUNK]
        yield chunk, table[[each.row for each in chunk]]


def load_cifar10(root: str, data_dir: str) -> Dataset:
  """Prepares CIFAR-10 from its archive, if that is needed, and opens it."""
  builder = CifarArchive(CIFAR10, root=root, data_dir=data_dir)
  return published_builder.load(builder)


def load_cifar100(root: str, data_dir: str, *, coarse: bool) -> Dataset:
  """Prepares CIFAR-100, if that is needed, and opens it.

  Fine and coarse labels are of one prepared set, and have one fingerprint.

  Args:
    root: see `archives.find`.
    data_dir: where the prepared set is.
    coarse: whether the classes are the 20 coarse ones, or the 100 fine ones.
  """
  builder = CifarArchive(CIFAR100, root=root, data_dir=data_dir)
  dataset = published_builder.load(builder)
  if not coarse:
    return dataset
  assert dataset.ground_truth is not None, "every image has a label"
  fine = dataset.ground_truth.classes
  return dataset._replace(
    ground_truth=GroundTruth.leave_one_out(np.array(COARSE_OF_FINE)[fine]),
    class_names=COARSE_NAMES,
  )


def _encode(
  chunk: tuple[Sequence[Row], UInt8[np.ndarray, "m values"]],
) -> list[tfds_builder.Record]:
  sources, table = chunk
  labels = table[:, -cifar_files.NUM_PIXELS - 1]
  # One channel after another, each by rows.
  pixels = table[:, -cifar_files.NUM_PIXELS :].reshape(-1, 3, 32, 32)
  return [
    tfds_builder.Record(source.name, image_files.png_bytes(image), int(label))
    for source, image, label in zip(
      sources, pixels.transpose(0, 2, 3, 1), labels
    )
  ]
