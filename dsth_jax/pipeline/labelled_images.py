"""The class labels that fine-tuning uses, and what it cannot use."""

import jax
import numpy as np
from jaxtyping import Int
from ml_collections import ConfigDict

from dsth_jax.pipeline.data import Data
from dsth_jax.train import fine_tuning


def draw(
  config: ConfigDict, data: Data
) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
  """Draws the training images whose class labels are used.

  Returns:
    Their rows in ascending order, and the number of each one's class.
  """
  truth = data.dataset.ground_truth
  assert truth is not None
  assert truth.classes is not None
  rows = np.asarray(data.splits.training)
  rows = rows[truth.classes[rows] >= 0]
  _, classes = np.unique(truth.classes[rows], return_inverse=True)
  drawn = fine_tuning.proportional_rows(
    classes, config.features.fine_tuning.num_labelled, seed=config.seed
  )
  rows = np.sort(rows[drawn])
  return rows, truth.classes[rows]


def count(config: ConfigDict, data: Data) -> int:
  """Returns the number of class labels that make the features."""
  recipe, truth = config.features.fine_tuning, data.dataset.ground_truth
  if not recipe.num_epochs or truth is None or truth.classes is None:
    return 0
  labelled = np.count_nonzero(truth.classes[data.splits.training] >= 0)
  return recipe.num_labelled or int(labelled)


def check(config: ConfigDict, data: Data) -> None:
  """Refuses, before any work, images that fine-tuning cannot use.

  Raises:
    ValueError: there are only features; the training images have no class
      labels, or several; or they are of fewer classes than two, or fewer than
      `num_labelled` or a batch.
  """
  recipe = config.features.fine_tuning
  if not recipe.num_epochs:
    return
  if lack := _lack(data):
    raise ValueError(
      f"features.fine_tuning learns from class labels, but {lack}: set "
      "features.fine_tuning.num_epochs to 0, or take images with one class "
      "each, of two classes or more."
    )
  rows, _ = draw(config, data)
  if len(rows) < recipe.batch_size:
    raise ValueError(
      f"features.fine_tuning.batch_size is {recipe.batch_size}, but "
      f"{len(rows)} labelled training images are used: lower it, or use more."
    )
  if recipe.batch_size % jax.device_count():
    raise ValueError(
      f"features.fine_tuning.batch_size is {recipe.batch_size}, but a batch is "
      f"split over {jax.device_count()} devices: choose a multiple of that."
    )


def _lack(data: Data) -> str:
  """Says why no classifier can be trained; empty if one can."""
  truth = data.dataset.ground_truth
  if not len(data.dataset.images):
    return "the data set has only features"
  if truth is None:
    return "the images have none"
  if truth.classes is None:
    return "an image may have several"
  classes = truth.classes[data.splits.training]
  found = np.unique(classes[classes >= 0])
  if not len(found):
    return "the training images have none"
  return "" if len(found) > 1 else "all training images are of one class"
