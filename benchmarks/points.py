"""Features that look like those of real images."""

import numpy as np


def clustered(num_points: int, num_features: int) -> np.ndarray:
  """Points around 100 centres that spread along 32 directions."""
  rng = np.random.default_rng(0)
  centres = rng.standard_normal((100, num_features), np.float32)
  along = rng.standard_normal((32, num_features), np.float32)
  amounts = rng.standard_normal((num_points, 32), np.float32)
  points = amounts @ along
  points += 3 * centres[rng.integers(0, 100, num_points)]
  points += rng.standard_normal(points.shape, np.float32)
  return points
