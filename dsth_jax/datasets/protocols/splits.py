"""Which images of a data set are queries, database and training images."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, Shaped

from dsth_jax.types import ArrayLike


class Splits(NamedTuple):
  """Ascending indices of images; no query is a training image.

  Where a query is in the database, the ground truth of a set ignores it for
  itself.

  Attributes:
    query: of the queries.
    database: of the database.
    training: of the training images; part of the database, or the database
      and the unlabelled images.
  """

  query: Int64[np.ndarray, "q"]
  database: Int64[np.ndarray, "m"]
  training: Int64[np.ndarray, "t"]


def find_parts(
  dataset_parts: Shaped[ArrayLike, "n"],
) -> dict[str, Int64[np.ndarray, "_"]]:
  """Returns the images of every part; a part that a set lacks is empty."""
  parts = np.asarray(dataset_parts)
  names = ("train", "database", "test", "unlabelled")
  return {name: np.flatnonzero(parts == name) for name in names}
