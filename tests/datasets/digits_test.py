"""The handwritten digits."""

import numpy as np
import sklearn.datasets

from dsth_jax import datasets


def test_digits_are_those_of_scikit_learn(store):
  dataset = datasets.load("digits", data_dir=str(store))
  digits = sklearn.datasets.load_digits()
  pixels = np.stack(list(dataset.images))
  assert pixels.shape == (1797, 8, 8, 3)
  assert pixels.dtype == np.uint8
  # 16 gray values scaled to 255 are exact after rounding to 8 bits.
  np.testing.assert_array_equal(
    np.rint(pixels[..., 0] / 255 * 16), digits.images
  )
  np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])
  np.testing.assert_array_equal(dataset.ground_truth.classes, digits.target)
  assert dataset.ground_truth.classes.dtype == np.int32
  assert set(dataset.parts) == {"train"}
  assert dataset.names[17] == "train/17"
  assert dataset.class_names == tuple("0123456789")
  assert dataset.skipped == ()
  again = datasets.load("digits", data_dir=str(store))
  assert again.fingerprint == dataset.fingerprint
