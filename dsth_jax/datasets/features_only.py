"""Class numbers without images, for features from another source."""

import numpy as np

from dsth_jax.datasets import npy
from dsth_jax.datasets.dataset import Dataset, Images
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.runtime import artifacts


def load(labels_file: str) -> Dataset:
  """Opens class numbers as a set without images, all of it "train".

  Args:
    labels_file: a .npy of integers [n], one for each image, negative for no
      label.

  Returns:
    A dataset of n rows, with empty `images`.

  Raises:
    ValueError: the file cannot be read, or holds another kind of array.
  """
  given = npy.open_npy(labels_file)
  if given.ndim != 1 or given.dtype.kind not in "iu":
    raise ValueError(
      f"{labels_file} holds {given.dtype} of shape {list(given.shape)}, but "
      "one integer for each image is needed: write an array of integers [n]."
    )
  classes = np.unique(given[given >= 0])
  labels = np.where(given < 0, -1, np.searchsorted(classes, given))
  return Dataset(
    images=Images(()),
    ground_truth=GroundTruth.leave_one_out(labels) if len(classes) else None,
    class_names=tuple(map(str, classes)),
    parts=np.full(len(given), "train"),
    names=tuple(f"row/{row}" for row in range(len(given))),
    skipped=(),
    fingerprint=artifacts.fingerprint(given.tolist()),
  )
