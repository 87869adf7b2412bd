"""Some of the images, drawn at random.

>>> import numpy as np
>>> classes = np.array([0, 0, 1, 1, 1, 1], np.int32)
>>> rng = np.random.default_rng(0)
>>> drawn = proportional_sample(np.arange(6), classes, 3, rng)
>>> classes[drawn]
array([0, 1, 1], dtype=int32)
"""

import numpy as np
from jaxtyping import Int32, Int64

from dsth_jax.datasets.batches import Selection
from dsth_jax.datasets.dataset import Dataset
from dsth_jax.runtime import artifacts


def proportional_sample(
  indices: Int64[np.ndarray, "n"],
  classes: Int32[np.ndarray, "all"] | None,
  size: int,
  rng: np.random.Generator,
) -> Int64[np.ndarray, "q"]:
  """Draws without replacement, each class within one image of its share.

  Args:
    indices: of the images to draw from.
    classes: of all images, with -1 as one more class; None draws every image
      with equal probability.
    size: of the sample, at most n.
    rng: of the sample.

  Returns:
    The drawn indices in ascending order.
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


def keep_training(dataset: Dataset, num_training: int, *, seed: int) -> Dataset:
  """Keeps at most `num_training` images of the train part, and the other parts.

  Args:
    dataset: with one class for each image, the images that are kept have the
      classes in proportion. Images that are relevant to a query by its list are
      kept beside the others, since they are all that it can find.
    num_training: 0 keeps all.
    seed: of the sample.

  Returns:
    The dataset of the images that are kept, with another fingerprint if some
    are not.
  """
  train = np.flatnonzero(dataset.parts == "train")
  if not num_training or num_training >= len(train):
    return dataset
  truth = dataset.ground_truth
  listed = np.zeros(0, np.int64)
  if truth is not None and truth.relevant is not None:
    listed = np.intersect1d(train, truth.relevant.indices)
  others = np.setdiff1d(train, listed)
  if num_training >= len(others):
    return dataset
  kept = proportional_sample(
    others,
    None if truth is None else truth.classes,
    num_training,
    # Another stream than that of the queries.
    np.random.default_rng((seed, 2)),
  )
  kept = np.union1d(kept, listed)
  rows = np.union1d(kept, np.flatnonzero(dataset.parts != "train"))
  return dataset._replace(
    images=Selection(dataset.images, rows),
    ground_truth=None if truth is None else truth.select(rows, rows),
    parts=dataset.parts[rows],
    names=tuple(dataset.names[row] for row in rows),
    fingerprint=artifacts.fingerprint(dataset.fingerprint, kept.tolist()),
  )
