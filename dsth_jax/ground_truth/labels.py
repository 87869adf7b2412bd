"""The labels of images: class numbers, or several labels each."""

import numpy as np
from jaxtyping import Bool, Int32, Shaped

from dsth_jax.types import ArrayLike

# Class numbers, with -1 for no label, or one column for each class.
Labels = Int32[np.ndarray, "n"] | Bool[np.ndarray, "n c"]


def share_label(
  labels: Shaped[np.ndarray, "..."], others: Shaped[np.ndarray, "..."]
) -> Bool[np.ndarray, "..."]:
  """Returns whether each pair of images shares a label."""
  if labels.dtype == bool:
    return (labels & others).any(-1)
  return (labels == others) & (labels >= 0)


def checked_labels(given: dict[str, ArrayLike]) -> list[np.ndarray]:
  """Returns the labels as `Labels`, all of the same kind.

  Raises:
    ValueError: they are not.
  """
  labels = {name: np.asarray(part) for name, part in given.items()}
  for name, part in labels.items():
    _check_labels(name, part)
  (first, part), *others = labels.items()
  for name, other in others:
    if part.shape[1:] != other.shape[1:]:
      raise ValueError(
        f"{first} have the shape {list(part.shape)} and {name} "
        f"{list(other.shape)}, but both must be class numbers [n] or share "
        "the number of columns [n c]: pass labels of one set of classes."
      )
  if part.ndim == 2:
    return [each.astype(bool) for each in labels.values()]
  return _class_numbers(list(labels.values()))


def _check_labels(name: str, labels: np.ndarray) -> None:
  if labels.dtype.kind not in "iub" or labels.ndim not in (1, 2):
    raise ValueError(
      f"{name} are {labels.dtype}{list(labels.shape)}, but integer class "
      "numbers [n] or zeros and ones [n c] are needed: pass integers, and -1 "
      "where an image has no label."
    )
  odd = labels[(labels < 0) | (labels > 1)]
  if labels.ndim == 2 and len(odd):
    raise ValueError(
      f"{name} contain {odd[0]}, but columns of classes hold zeros and ones: "
      "pass class numbers as one axis [n]."
    )


def _class_numbers(parts: list[np.ndarray]) -> list[np.ndarray]:
  """Returns the numbers as int32, which devices compare, and -1 below 0."""
  if any(part.size and part.max() > np.iinfo(np.int32).max for part in parts):
    known = np.unique(np.concatenate([part[part >= 0] for part in parts]))
    parts = [
      np.where(part < 0, -1, np.searchsorted(known, part)) for part in parts
    ]
  return [np.where(part < 0, -1, part).astype(np.int32) for part in parts]
