"""What the methods that learn from images ask of their inputs."""

import jax
import numpy as np
from jaxtyping import Float, Shaped, UInt8

from dsth_jax.baselines import deep, linear
from dsth_jax.types import ArrayLike


def checked_images(
  method: str,
  images: Shaped[ArrayLike, "..."],
  training: deep.Training,
  *,
  num_bits: int,
) -> UInt8[np.ndarray, "n s s 3"]:
  """Returns the images in NumPy if a method can be fitted to them."""
  linear.check_num_bits(method, num_bits)
  shape = images.shape
  is_square = len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3
  if not is_square or images.dtype != np.uint8:
    raise ValueError(
      f"{method} was given {images.dtype} images of shape {list(shape)}, but "
      "needs uint8 [n, s, s, 3]: crop them to squares of pixels of 0 to 255."
    )
  _check_training(method, len(images), training)
  return np.asarray(images)


def _check_training(
  method: str, num_images: int, training: deep.Training
) -> None:
  if training.num_epochs < 1:
    raise ValueError(
      f"{method} was asked for num_epochs={training.num_epochs}, but learns in "
      "passes over the images: pass 1 or more."
    )
  batch_size, num_devices = training.batch_size, jax.device_count()
  if not 1 <= batch_size <= num_images or batch_size % num_devices:
    raise ValueError(
      f"{method} was asked for batch_size={batch_size}, but has {num_images} "
      f"images and {num_devices} devices: pass a multiple of {num_devices} up "
      "to the number of images."
    )


def checked_features(
  method: str,
  features: Shaped[ArrayLike, "..."] | None,
  *,
  num_images: int,
  num_bits: int,
) -> Float[np.ndarray, "n d"]:
  """Returns a pretrained network's features if they describe the images."""
  if features is None or features.shape[:1] != (num_images,):
    found = "no features" if features is None else f"{len(features)} features"
    raise ValueError(
      f"{method} was given {found} for {num_images} images, but learns from "
      "what a pretrained network sees in each: pass features=, one row an "
      "image."
    )
  return np.asarray(linear.checked_features(method, features, num_bits))
