"""Sets of images by name: the table `LOADERS`, and `load`."""

import os
from collections.abc import Callable
from typing import NamedTuple

from dsth_jax.datasets import (
  cifar,
  digits,
  features_only,
  flickr_logos,
  holidays,
  image_files,
  image_folder,
  oxford,
  sampling,
  stl10,
  tfds_catalogue,
)
from dsth_jax.datasets.dataset import Dataset


class Request(NamedTuple):
  """The options of `load`, with ~ expanded."""

  name: str
  root: str
  labels_file: str
  label_field: str
  data_dir: str
  limits: image_files.Limits
  unlabelled: bool


class Loader(NamedTuple):
  """How a set is opened.

  Attributes:
    load: prepares it, if that is needed, and opens it.
    options: those of `root`, `label_field` and `unlabelled` that it takes;
      another one is refused.
    in_catalogue: without a root it is the prepared set of TFDS's catalogue.
  """

  load: Callable[[Request], Dataset]
  options: tuple[str, ...] = ()
  in_catalogue: bool = False


def _load_photographs(request: Request) -> Dataset:
  return image_folder.load(
    request.root, request.data_dir, **request.limits._asdict()
  )


def _load_cifar10(request: Request) -> Dataset:
  return cifar.load_cifar10(request.root, request.data_dir)


def _load_cifar100_coarse(request: Request) -> Dataset:
  return cifar.load_cifar100(request.root, request.data_dir, coarse=True)


def _load_cifar100_fine(request: Request) -> Dataset:
  return cifar.load_cifar100(request.root, request.data_dir, coarse=False)


def _load_stl10(request: Request) -> Dataset:
  return stl10.load(
    request.root, request.data_dir, unlabelled=request.unlabelled
  )


def _load_flickr_logos32(request: Request) -> Dataset:
  return flickr_logos.load(request.root, request.data_dir, request.limits)


def _load_oxford(published: oxford.Oxford, request: Request) -> Dataset:
  return oxford.load(published, request.root, request.data_dir, request.limits)


def _load_holidays(published: holidays.Holidays, request: Request) -> Dataset:
  return holidays.load(
    published, request.root, request.data_dir, request.limits
  )


def _load_catalogue(request: Request) -> Dataset:
  return tfds_catalogue.load(
    request.name,
    request.data_dir,
    label_field=request.label_field,
    unlabelled=request.unlabelled,
    others=LOADERS,
  )


# A name that is not here is one of TFDS's catalogue.
LOADERS = {
  "digits": Loader(lambda request: digits.load(request.data_dir)),
  "features": Loader(lambda request: features_only.load(request.labels_file)),
  "image_folder": Loader(_load_photographs, ("root",)),
  "cifar10": Loader(_load_cifar10, ("root",), in_catalogue=True),
  "cifar100_coarse": Loader(_load_cifar100_coarse, ("root",)),
  "cifar100_fine": Loader(_load_cifar100_fine, ("root",)),
  "stl10": Loader(_load_stl10, ("root", "unlabelled"), in_catalogue=True),
  "flickr_logos32": Loader(_load_flickr_logos32, ("root",)),
  "oxford5k": Loader(
    lambda request: _load_oxford(oxford.OXFORD_5K, request), ("root",)
  ),
  "oxford105k": Loader(
    lambda request: _load_oxford(oxford.OXFORD_105K, request), ("root",)
  ),
  "holidays": Loader(
    lambda request: _load_holidays(holidays.HOLIDAYS, request), ("root",)
  ),
  "holidays1m": Loader(
    lambda request: _load_holidays(holidays.HOLIDAYS_1M, request), ("root",)
  ),
}
_CATALOGUE = Loader(_load_catalogue, ("label_field", "unlabelled"))


def load(
  name: str,
  *,
  root: str = "",
  labels_file: str = "",
  label_field: str = "",
  data_dir: str = "",
  max_pixels: int = image_files.MAX_PIXELS,
  stored_size: int = 256,
  max_bytes: int = image_files.MAX_BYTES,
  unlabelled: bool = False,
  num_training: int = 0,
  seed: int = 0,
) -> Dataset:
  """Opens a set of images, and prepares it first where that is needed.

  Args:
    name: in `LOADERS`, or of TFDS's catalogue, such as "mnist", that
      `dsth_jax.datasets.prepare` has prepared.
    root: the folder of "image_folder", or the one that holds the published
      archives of a set. Without it, "cifar10" and "stl10" are those of TFDS's
      catalogue.
    labels_file: the class numbers of "features", which has no images.
    label_field: the feature with the labels, where a set of TFDS's catalogue
      has several.
    data_dir: where prepared sets are kept; by default that of TFDS,
      ~/tensorflow_datasets.
    max_pixels: a photograph with more is skipped.
    stored_size: a photograph is shrunk to this short side; a change prepares
      the set again.
    max_bytes: a photograph whose file has more is skipped.
    unlabelled: also opens the images without a label of "stl10".
    num_training: the most images of the train part that are kept, see
      `sampling.keep_training`; 0 keeps all.
    seed: of that sample.

  Returns:
    The dataset; its images stay on disk until they are read.

  Raises:
    ValueError: the name is unknown, an option does not fit it, the set is not
      prepared, its folder or archive is missing, damaged or not as published,
      or the prepared set cannot be written.
  """
  if min(max_pixels, stored_size, max_bytes) < 1 or num_training < 0:
    raise ValueError(
      f"max_pixels is {max_pixels}, stored_size {stored_size}, max_bytes "
      f"{max_bytes} and num_training {num_training}: the first three need to be "
      "1 or more, the last 0 or more."
    )
  # A shell does not expand the ~ in --config.data.root=~/photos.
  root, data_dir, labels_file = map(
    os.path.expanduser, (root, data_dir, labels_file)
  )
  request = Request(
    name=name,
    root=root,
    labels_file=labels_file,
    label_field=label_field,
    data_dir=data_dir,
    limits=image_files.Limits(max_pixels, stored_size, max_bytes),
    unlabelled=unlabelled,
  )
  loader = LOADERS.get(name, _CATALOGUE)
  if loader.in_catalogue and not root:
    loader = _CATALOGUE
  _check_options(request, loader)
  return sampling.keep_training(loader.load(request), num_training, seed=seed)


def _check_options(request: Request, loader: Loader) -> None:
  """Raises ValueError for an option that the set does not take."""
  reasons = {
    "root": "does not come from a folder: leave it empty, or load image_folder",
    "label_field": "has no fields to choose from: leave it empty",
    "unlabelled": "has no images without a label: leave it False",
  }
  for option, reason in reasons.items():
    value = getattr(request, option)
    if value and option not in loader.options:
      raise ValueError(
        f"{option} is {value}, but the dataset {request.name!r} {reason}."
      )
