"""Prepared sets of the TFDS catalogue."""

import difflib
import hashlib
from collections.abc import Collection
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from dsth_jax.datasets import tfds_builder
from dsth_jax.datasets.dataset import Dataset, Images
from dsth_jax.ground_truth import GroundTruth


def load(
  name: str,
  data_dir: str,
  *,
  label_field: str = "",
  unlabelled: bool = False,
  others: Collection[str] = (),
) -> Dataset:
  """Opens a set that `dsth_jax.datasets.prepare` has prepared.

  The parts are the splits `train` and `test`, or `validation` where the set
  has no `test`; other splits are left out.

  Args:
    name: as in the catalogue, such as "cifar10".
    data_dir: where it was prepared; empty for that of TFDS.
    label_field: the feature with the labels, one or several for each image; may
      be empty where the set has at most one such feature.
    unlabelled: adds the split `unlabelled`, whose images only train.
    others: names of sets that come from elsewhere, for the errors; one that is
      also in the catalogue can be read from its published archive.

  Returns:
    The dataset. As in TFDS, -1 is no label.

  Raises:
    ValueError: the set is unknown, not prepared, not in array_record files or
      not a set of single images; or its label field or unlabelled split is
      unknown or missing.
  """
  builder = find(name, data_dir, others)
  image, label = _image_feature(builder), _label_feature(builder, label_field)
  check_prepared(builder, name, data_dir, has_archive=name in others)
  found = _splits(builder, unlabelled)
  images = tfds_builder.open_images(builder, list(found.values()), image)
  sizes = [builder.info.splits[split].num_examples for split in found.values()]
  ground_truth, class_names = _labels(builder, images, label)
  identity = [builder.info.full_name, found, sizes]
  return Dataset(
    images=images,
    ground_truth=ground_truth,
    class_names=class_names,
    parts=np.repeat(list(found), sizes),
    names=tuple(
      f"{part}/{i}" for part, size in zip(found, sizes) for i in range(size)
    ),
    skipped=(),
    fingerprint=hashlib.sha256(repr(identity).encode()).hexdigest()[:16],
  )


def find(
  name: str, data_dir: str, others: Collection[str] = ()
) -> tfds.core.DatasetBuilder:
  """Returns the builder of a set in TFDS's catalogue.

  Raises:
    ValueError: there is no such set.
  """
  try:
    with tfds_builder.quiet():
      return tfds.builder(name, data_dir=data_dir or None)
  except tfds.core.DatasetNotFoundError as error:
    catalogue = tfds.list_builders(with_community_datasets=False)
    known = [*others, *catalogue]
    close = difflib.get_close_matches(name, known, n=3)
    hint = f" (perhaps {' or '.join(close)})" if close else ""
    raise ValueError(
      f"the dataset {name!r} is unknown{hint}: pass digits, image_folder with "
      "a root, or a name from TFDS's catalogue, such as cifar10 or stl10."
    ) from error


def _image_feature(builder: tfds.core.DatasetBuilder) -> str:
  """Returns the name of the one image feature."""
  features = dict(builder.info.features)
  images = [
    name
    for name, feature in features.items()
    if isinstance(feature, tfds.features.Image)
  ]
  if len(images) != 1:
    raise ValueError(
      f"the dataset {builder.name!r} has {len(images)} features that are an "
      f"image (of {', '.join(features)}), but one is needed: choose a set for "
      "image classification, or unpack its images and use image_folder."
    )
  return images[0]


def _label_feature(
  builder: tfds.core.DatasetBuilder, label_field: str
) -> str | None:
  """Returns the name of the label feature, if there is one."""
  known = [
    name
    for name, feature in builder.info.features.items()
    if _class_label(feature) is not None
  ]
  if label_field and label_field not in known:
    listed = f"only {', '.join(known)}" if known else "none at all"
    raise ValueError(
      f"label_field is {label_field}, but of labels the dataset "
      f"{builder.name!r} has {listed}: name one of these, or leave it empty "
      "where there is at most one."
    )
  if not label_field and len(known) > 1:
    raise ValueError(
      f"the dataset {builder.name!r} has several label fields, "
      f"{', '.join(known)}: choose one with label_field."
    )
  return label_field or (known[0] if known else None)


def _class_label(feature: Any) -> tfds.features.ClassLabel | None:
  """Returns the classes of a feature with one or several labels."""
  if isinstance(feature, tfds.features.Sequence):
    feature = feature.feature
  return feature if isinstance(feature, tfds.features.ClassLabel) else None


def check_prepared(
  builder: tfds.core.DatasetBuilder,
  name: str,
  data_dir: str,
  *,
  has_archive: bool = False,
) -> None:
  """Raises ValueError unless a set can be read."""
  option = f" --data_dir={data_dir}" if data_dir else ""
  command = f"python -m dsth_jax.datasets.prepare --name={name}{option}"
  if not builder.is_prepared():
    raise ValueError(
      f"the dataset {name!r} is not prepared in {builder.data_dir}: "
      + "pass the folder of its published archive as root, or " * has_archive
      + 'prepare it with TensorFlow once: pip install "dsth_jax[tfds]", then '
      + command
    )
  if builder.info.file_format != tfds.core.FileFormat.ARRAY_RECORD:
    raise ValueError(
      f"the dataset {name!r} is prepared in {builder.data_dir} as "
      f"{builder.info.file_format.value} files, which cannot be read without "
      "TensorFlow: prepare it in another data_dir with python -m "
      f"dsth_jax.datasets.prepare --name={name} --data_dir=..., and pass that."
    )


def _splits(
  builder: tfds.core.DatasetBuilder, unlabelled: bool
) -> dict[str, str]:
  """Returns the split of each part."""
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
  if unlabelled and "unlabelled" not in splits:
    raise ValueError(
      f"unlabelled is True, but the dataset {builder.name!r} has only the splits "
      f"{', '.join(splits)}: leave it False."
    )
  if unlabelled:
    found["unlabelled"] = "unlabelled"
  return found


def _labels(
  builder: tfds.core.DatasetBuilder, images: Images, field: str | None
) -> tuple[GroundTruth | None, tuple[str, ...]]:
  """Returns the labels and class names; none if no image has a label."""
  feature = None if field is None else builder.info.features[field]
  classes = _class_label(feature)
  if field is None or classes is None:
    return None, ()
  class_names = tuple(classes.names)
  if feature is classes:
    numbers = (values[0] for values in images.integers(field))
    labels = np.fromiter(numbers, np.int32, len(images))
    known = np.any(labels >= 0)
  else:
    labels = np.zeros((len(images), len(class_names)), bool)
    for row, values in zip(labels, images.integers(field)):
      row[[value for value in values if value >= 0]] = True
    known = np.any(labels)
  if not known:
    return None, ()
  return GroundTruth.leave_one_out(labels), class_names
