"""The files of CIFAR: labels and pixels of each image, in either form."""

import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Integer, UInt8

from dsth_jax.datasets import archives, plain_pickle

NUM_PIXELS = 3 * 32 * 32


class Form(NamedTuple):
  """One of the forms in which a set is published.

  Attributes:
    archive: that holds it.
    files: of each part.
    pickled: a file is the pickle of a dictionary; otherwise it has, for every
      image, a byte of each label and then the pixels.
  """

  archive: archives.Published
  files: Mapping[str, Sequence[str]]
  pickled: bool


class Labels(NamedTuple):
  """The labels of an image.

  Attributes:
    keys: of the pickled labels, in the order of the bytes of the other form;
      the last ones are stored.
    class_names: of the labels that are stored.
    coarse: the other label of each class; empty where there is one label.
  """

  keys: tuple[bytes, ...]
  class_names: tuple[str, ...]
  coarse: tuple[int, ...] = ()


def read_table(
  archive: archives.Archive, form: Form, labels: Labels, file: str
) -> UInt8[np.ndarray, "n values"]:
  """Returns a row of labels and pixels for each image of a file.

  Raises:
    ValueError: the file is missing, is something else, or has a label that
      does not exist.
  """

  def refused(reason: str) -> ValueError:
    return ValueError(f"{file} in {archive.path} {reason}: {archive.again}.")

  if form.pickled:
    *kinds, pixels = _unpickled(archive.read(file), labels, refused)
  else:
    num_values = len(labels.keys) + NUM_PIXELS
    content = b"".join(archive.records(file, num_values))
    table = np.frombuffer(content, np.uint8).reshape(-1, num_values)
    kinds, pixels = list(table[:, :-NUM_PIXELS].T), table[:, -NUM_PIXELS:]
  _check(kinds, labels, refused)
  return np.column_stack([*kinds, pixels]).astype(np.uint8, copy=False)


def _unpickled(
  content: bytes, labels: Labels, refused: Callable[[str], ValueError]
) -> list[Integer[np.ndarray, "n *pixels"]]:
  try:
    batch = plain_pickle.loads(content)
    kinds = [np.asarray(batch[key], np.int64) for key in labels.keys]
    pixels = np.asarray(batch[b"data"], np.uint8).reshape(-1, NUM_PIXELS)
    if any(kind.shape != (len(pixels),) for kind in kinds):
      raise ValueError("labels and images differ in number")
  except (pickle.UnpicklingError, KeyError, TypeError, ValueError) as error:
    raise refused(f"is no pickled table of images ({error})") from error
  return [*kinds, pixels]


def _check(
  kinds: Sequence[Integer[np.ndarray, "n"]],
  labels: Labels,
  refused: Callable[[str], ValueError],
) -> None:
  """Raises ValueError for labels that do not exist or do not fit."""
  *others, stored = kinds
  num_classes = len(labels.class_names)
  for row in np.flatnonzero((stored < 0) | (stored >= num_classes))[:1]:
    raise refused(
      f"gives image {row} the label {stored[row]}, but the classes are 0 to "
      f"{num_classes - 1}"
    )
  for other in others:
    needed = np.array(labels.coarse)[stored]
    for row in np.flatnonzero(other != needed)[:1]:
      raise refused(
        f"gives image {row} the labels {other[row]} and {stored[row]}, but "
        f"class {stored[row]} is one of the coarse class {needed[row]}"
      )
