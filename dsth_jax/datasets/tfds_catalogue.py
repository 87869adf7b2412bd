"""The sets of the TFDS catalogue, already prepared."""

import difflib
import hashlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from dsth_jax.datasets import tfds_builder
from dsth_jax.datasets.dataset import Dataset, Images


def load(name: str, data_dir: str) -> Dataset:
  """Opens a set that `dsth_jax.datasets.prepare` has prepared.

  The parts are the splits `train` and `test`, or `validation` where the set
  has no `test`; other splits are left out.

  Args:
    name: as in the catalogue, such as "cifar10".
    data_dir: where it was prepared; TFDS's own place when empty.

  Returns:
    The dataset; without labels unless every image of both parts has one.

  Raises:
    ValueError: TFDS knows no such set, it is not prepared, not as array_record
      files, or it is not a set of single images.
  """
  builder = find(name, data_dir)
  image, label = _features(builder)
  check_prepared(builder, name, data_dir)
  found = _splits(builder)
  images = tfds_builder.open_images(builder, list(found.values()), image)
  sizes = [builder.info.splits[split].num_examples for split in found.values()]
  labels = None if label is None else _labels(images, label)
  known = labels is not None
  class_names = tuple(builder.info.features[label].names) if known else ()
  identity = [builder.info.full_name, found, sizes]
  return Dataset(
    images=images,
    labels=labels,
    class_names=class_names,
    parts=np.repeat(list(found), sizes),
    names=tuple(
      f"{part}/{i}" for part, size in zip(found, sizes) for i in range(size)
    ),
    skipped=(),
    fingerprint=hashlib.sha256(repr(identity).encode()).hexdigest()[:16],
  )


def find(name: str, data_dir: str) -> tfds.core.DatasetBuilder:
  """Returns the builder of a set in TFDS's catalogue.

  Raises:
    ValueError: there is no such set.
  """
  try:
    with tfds_builder.quiet():
      return tfds.builder(name, data_dir=data_dir or None)
  except tfds.core.DatasetNotFoundError as error:
    catalogue = tfds.list_builders(with_community_datasets=False)
    known = ["digits", "image_folder", *catalogue]
    close = difflib.get_close_matches(name, known, n=3)
    meant = f" (perhaps {' or '.join(close)})" if close else ""
    raise ValueError(
      f"the dataset {name!r} is unknown{meant}: pass digits, image_folder with "
      "a root, or a name from TFDS's catalogue, such as cifar10 or stl10."
    ) from error


def _features(builder: tfds.core.DatasetBuilder) -> tuple[str, str | None]:
  """Returns the names of the one image feature and of the label, if any."""
  features = dict(builder.info.features)
  images = _named(features, tfds.features.Image)
  if len(images) != 1:
    raise ValueError(
      f"the dataset {builder.name!r} has {len(images)} features that are an "
      f"image (of {', '.join(features)}), but one is needed: choose a set for "
      "image classification, or unpack its images and use image_folder."
    )
  labels = _named(features, tfds.features.ClassLabel)
  return images[0], labels[0] if len(labels) == 1 else None


def _named(features: dict[str, Any], kind: type) -> list[str]:
  return [
    name for name, feature in features.items() if isinstance(feature, kind)
  ]


def check_prepared(
  builder: tfds.core.DatasetBuilder, name: str, data_dir: str
) -> None:
  """Raises ValueError unless a set lies ready to be read."""
  option = f" --data_dir={data_dir}" if data_dir else ""
  command = f"python -m dsth_jax.datasets.prepare --name={name}{option}"
  if not builder.is_prepared():
    raise ValueError(
      f"the dataset {name!r} is not prepared in {builder.data_dir}, which "
      'takes TensorFlow once: pip install "dsth_jax[tfds]", then '
      f"{command}"
    )
  if builder.info.file_format != tfds.core.FileFormat.ARRAY_RECORD:
    raise ValueError(
      f"the dataset {name!r} is prepared in {builder.data_dir} as "
      f"{builder.info.file_format.value} files, which cannot be read without "
      "TensorFlow: prepare it in another data_dir with python -m "
      f"dsth_jax.datasets.prepare --name={name} --data_dir=..., and pass that."
    )


def _splits(builder: tfds.core.DatasetBuilder) -> dict[str, str]:
  """Returns the split that is each part."""
  splits = builder.info.splits
  found = {}
  if "train" in splits:
    found["train"] = "train"
  for split in ("test", "validation"):
    if split in splits and "test" not in found:
      found["test"] = split
  if not found:
    raise ValueError(
      f"the dataset {builder.name!r} has the splits {', '.join(splits)}, but "
      "train or test is needed: unpack its images and use image_folder."
    )
  return found


def _labels(images: Images, feature: str) -> np.ndarray | None:
  labels = np.fromiter(images.integers(feature), np.int32, len(images))
  # TFDS writes -1 where a label is unknown.
  return None if np.any(labels < 0) else labels
