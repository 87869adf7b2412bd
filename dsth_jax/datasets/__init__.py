"""Images by name: `load`, our own TFDS builders, protocols, pixels.

No other package uses TFDS. Only `dsth_jax.datasets.prepare` needs TensorFlow,
for the sets of TFDS's catalogue.
"""

import os

from dsth_jax.datasets import (
  digits,
  features_only,
  image_files,
  image_folder,
  tfds_catalogue,
)
from dsth_jax.datasets.account import Account, Skipped
from dsth_jax.datasets.batches import Selection, image_batches, resize_and_crop
from dsth_jax.datasets.dataset import Dataset, Images, RandomAccess
from dsth_jax.datasets.digits import Digits
from dsth_jax.datasets.image_folder import ImageFolder
from dsth_jax.datasets.npy import open_npy
from dsth_jax.datasets.protocols import PROTOCOLS, Splits

__all__ = [
  "PROTOCOLS",
  "Account",
  "Dataset",
  "Digits",
  "ImageFolder",
  "Images",
  "RandomAccess",
  "Selection",
  "Skipped",
  "Splits",
  "image_batches",
  "load",
  "open_npy",
  "resize_and_crop",
]


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
) -> Dataset:
  """Opens a set of images, and prepares it first where that is needed.

  Args:
    name: "digits", "image_folder", "features", or a name from TFDS's
      catalogue, such as "cifar10", that `dsth_jax.datasets.prepare` has
      prepared.
    root: the folder of "image_folder".
    labels_file: the class numbers of "features", which has no images.
    label_field: the feature with the labels, where a set of TFDS's catalogue
      has several.
    data_dir: where prepared sets are kept; by default that of TFDS,
      ~/tensorflow_datasets.
    max_pixels: an image of "image_folder" with more is skipped.
    stored_size: an image of "image_folder" is shrunk to this short side; a
      change prepares the folder again.
    max_bytes: a file of "image_folder" with more is skipped.

  Returns:
    The dataset; its images stay on disk until they are read.

  Raises:
    ValueError: the name or the label field is unknown, the set is not
      prepared, the folder is missing, empty or unreadable, or the prepared set
      cannot be written.
  """
  if min(max_pixels, stored_size, max_bytes) < 1:
    raise ValueError(
      f"max_pixels is {max_pixels}, stored_size {stored_size} and max_bytes "
      f"{max_bytes}: all need to be 1 or more."
    )
  # A shell does not expand the ~ in --config.data.root=~/photos.
  root, data_dir = os.path.expanduser(root), os.path.expanduser(data_dir)
  if label_field and name in ("image_folder", "features", "digits"):
    raise ValueError(
      f"label_field is {label_field}, but the dataset {name!r} has no fields to "
      "choose from: leave it empty."
    )
  if name == "image_folder":
    return image_folder.load(
      root,
      data_dir,
      max_pixels=max_pixels,
      stored_size=stored_size,
      max_bytes=max_bytes,
    )
  if root:
    raise ValueError(
      f"root is {root}, but the dataset {name!r} does not come from a folder: "
      "leave it empty, or load image_folder."
    )
  if name == "features":
    return features_only.load(os.path.expanduser(labels_file))
  if name == "digits":
    return digits.load(data_dir)
  return tfds_catalogue.load(name, data_dir, label_field=label_field)
