"""Class labels as supervised methods need them."""

import numpy as np
from jaxtyping import Int, Shaped

from dsth_jax.types import ArrayLike


def checked_labels(
  method: str, labels: Shaped[ArrayLike, "..."] | None, num_images: int
) -> Int[np.ndarray, "n"]:
  """Returns each image's class, numbered from 0, if a method can learn it.

  Args:
    method: named in the errors.
    labels: any integers or words, one an image.
    num_images: that they belong to.

  Returns:
    0 to c - 1 in the order of the labels, c of them different.

  Raises:
    ValueError: there are no labels, not one an image, or of one class alone.
  """
  needs = f"but {method} needs one class label an image"
  if labels is None:
    raise ValueError(
      f"{method} was given no labels, {needs}: pass them, or choose a method "
      "that is not supervised."
    )
  if labels.shape != (num_images,):
    raise ValueError(
      f"{method} was given labels of shape {list(labels.shape)} for "
      f"{num_images} images, {needs}: pass a vector of {num_images}."
    )
  names, classes = np.unique(np.asarray(labels), return_inverse=True)
  if len(names) < 2:
    raise ValueError(
      f"{method} was given labels of {len(names)} class, but learns from "
      "images that differ in class: pass at least two classes."
    )
  return classes
