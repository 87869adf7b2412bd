"""Features of classes that the tests of the supervised methods share."""

import numpy as np


def labeled_features(
  num_points=300, *, num_classes=4, num_features=12, distance=2.0
):
  """Classes that overlap, in some of the features, and noise in all of them."""
  rng = np.random.default_rng(0)
  classes = rng.permutation(np.arange(num_points) % num_classes)
  means = distance * rng.normal(size=(num_classes, num_features))
  means[:, num_features // 2 :] = 0.0
  noise = rng.normal(size=(num_points, num_features))
  noise[:, num_features // 2 :] *= 2.0
  return (means[classes] + noise + 3.0).astype(np.float32), classes
