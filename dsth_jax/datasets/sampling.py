"""Random draws of images, in proportion to their classes where there are any."""

import numpy as np
from jaxtyping import Int32, Int64


def proportional_sample(
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
