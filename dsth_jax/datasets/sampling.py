"""Random draws of images, in proportion to their classes where there are any."""

import numpy as np
from jaxtyping import Int32, Int64

from dsth_jax.ground_truth import GroundTruth


def draw(
  indices: Int64[np.ndarray, "n"],
  classes: Int32[np.ndarray, "all"] | None,
  size: int,
  rng: np.random.Generator,
) -> Int64[np.ndarray, "q"]:
  """Draws without replacement, each class within one image of its share.

  Args:
    indices: to draw from.
    classes: of all images; None draws all with equal probability.
    size: of the sample.
    rng: of the draw.

  Returns:
    The sample, ascending.
  """
  shuffled = rng.permutation(indices)
  if classes is None:
    return np.sort(shuffled[:size])
  # Ordered by class, random within each: equal steps from a random start draw
  # every class in proportion and every image with equal probability.
  ordered = shuffled[np.argsort(classes[shuffled], kind="stable")]
  start = rng.integers(len(ordered))
  steps = (np.arange(size) * len(ordered) + start) // size
  return np.sort(ordered[steps])


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
