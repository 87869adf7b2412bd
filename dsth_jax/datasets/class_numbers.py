"""The classes of images, for protocols that draw from every class."""

import numpy as np
from jaxtyping import Int32, Int64

from dsth_jax.ground_truth import GroundTruth


def known_classes(
  ground_truth: GroundTruth | None,
) -> Int32[np.ndarray, "n"] | None:
  """Returns the class of each image; None where there is not one each."""
  return None if ground_truth is None else ground_truth.classes


def required_classes(
  protocol: str, ground_truth: GroundTruth | None
) -> Int32[np.ndarray, "n"]:
  """Returns the class of each image.

  Raises:
    ValueError: images have no labels, several, or lists.
  """
  classes = known_classes(ground_truth)
  if classes is not None:
    return classes
  have = "several labels"
  if ground_truth is None:
    have = "no labels"
  elif ground_truth.has_lists:
    have = "lists of relevant images"
  raise ValueError(
    f"protocol {protocol} draws from every class, but the images have {have}: "
    f"use the protocol {'official' if 'lists' in have else 'holdout'}."
  )


def members(
  protocol: str, classes: Int32[np.ndarray, "n"], needed: int
) -> list[Int64[np.ndarray, "_"]]:
  """Returns the images of each class.

  Raises:
    ValueError: a class has fewer images than are needed.
  """
  known = np.unique(classes[classes >= 0])
  found = [np.flatnonzero(classes == name) for name in known]
  fewest = min(found, key=len)
  if len(fewest) < needed:
    raise ValueError(
      f"protocol {protocol} needs {needed} images of every class, but class "
      f"{classes[fewest[0]]} has {len(fewest)}: use the protocol holdout."
    )
  return found
