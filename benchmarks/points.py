"""Synthetic features, distributed like those of real images."""

import numpy as np

# Points made at a time, so that only the points take memory.
_BLOCK = 65_536


def clustered(num_points: int, num_features: int) -> np.ndarray:
  """Points around 100 centers that spread along 32 directions."""
  rng = np.random.default_rng(0)
  centers = rng.standard_normal((100, num_features), np.float32)
  along = rng.standard_normal((32, num_features), np.float32)
  points = np.empty((num_points, num_features), np.float32)
  for start in range(0, num_points, _BLOCK):
    block = points[start : start + _BLOCK]
    amounts = rng.standard_normal((len(block), 32), np.float32)
    rng.standard_normal(block.shape, np.float32, out=block)
    block += amounts @ along
    block += 3 * centers[rng.integers(0, 100, len(block))]
  return points
