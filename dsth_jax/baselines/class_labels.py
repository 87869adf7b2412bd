"""Class labels, as the supervised methods need them."""

import jax
import numpy as np
from jax import Array
from jaxtyping import Int, Key, Shaped

from dsth_jax.types import ArrayLike


def checked_labels(
  method: str, labels: Shaped[ArrayLike, "..."] | None, num_images: int
) -> Int[np.ndarray, "n"]:
  """Returns each image's class, counted from 0, if a method can learn it.

  Args:
    method: named in the errors.
    labels: class numbers or names, one per image.
    num_images: that they belong to.

  Returns:
    0 to c - 1 in the order of the labels, c of them different.

  Raises:
    ValueError: there are no labels, not one per image, numbers that name no
      class, or only one class.
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
      f"{num_images} images, {needs}: pass a vector of {num_images}, without "
      "images of several classes."
    )
  labels = np.asarray(labels)
  kind = labels.dtype.kind
  # TFDS writes -1 where a label is unknown, which is not a class.
  if kind == "f" or (kind == "i" and labels.min() < 0):
    raise ValueError(
      f"{method} was given {labels.dtype} labels from {labels.min()} on, "
      f"{needs}, a name or a number from 0 on: leave out images without one."
    )
  names, classes = np.unique(labels, return_inverse=True)
  if len(names) < 2:
    raise ValueError(
      f"{method} was given labels of {len(names)} class, but learns from "
      "images that differ in class: pass at least two classes."
    )
  return classes


def balanced_rows(
  classes: Int[np.ndarray, "n"], num_rows: int, *, key: Key[Array, ""]
) -> Int[np.ndarray, "r"]:
  """Draws images without replacement, evenly from all classes.

  A class that has too few images gives all of them, and the others more.

  Args:
    classes: from `checked_labels`.
    num_rows: how many to draw; all are taken if there are fewer, or for 0.
    key: draws them.

  Raises:
    ValueError: the number is negative.
  """
  if num_rows < 0:
    raise ValueError(
      f"num_labelled is {num_rows}, but a number of images is needed: set 1 or "
      "more, or 0 for all."
    )
  shuffled = np.asarray(jax.random.permutation(key, len(classes)))
  by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
  sizes = np.bincount(classes)
  # The place of each image in its class. The first of each class come first.
  places = np.arange(len(classes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
  return by_class[np.argsort(places, kind="stable")][: num_rows or None]
