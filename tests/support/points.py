"""Features that the tests of the baselines share."""

import numpy as np
import scipy.linalg


def correlated_features(num_points=300, num_features=20):
  """Correlated features far from the origin, variances falling by column."""
  rng = np.random.default_rng(0)
  scales = 2.0 ** -np.arange(num_features)[None, :]
  mixing = scipy.linalg.qr(rng.normal(size=(num_features, num_features)))[0]
  points = rng.normal(size=(num_points, num_features)) * (scales + 0.05)
  return (points @ mixing + 3.0).astype(np.float32)
