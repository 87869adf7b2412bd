"""Checks of what the methods on images are given, before any work is done."""

import jax
import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from dsth_jax.baselines import class_labels, deep, linear
from dsth_jax.models.hash_models import HASH_MODELS
from dsth_jax.types import ArrayLike


def checked_images(
  settings: deep.Settings, images: Shaped[ArrayLike, "..."]
) -> UInt8[np.ndarray, "n s s 3"]:
  """Returns the images in NumPy.

  Raises:
    ValueError: they are not square uint8 RGB images, the network does not
      exist or does not see images, or a setting is out of range.
  """
  method = settings.method
  linear.check_num_bits(method, settings.num_bits)
  shape = images.shape
  is_square = len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3
  if not is_square or images.dtype != np.uint8:
    raise ValueError(
      f"{method} was given {images.dtype} images of shape {list(shape)}, but "
      "needs uint8 [n, s, s, 3]: crop them to square images of values from 0 "
      "to 255."
    )
  _check_training(settings, len(images))
  _check_network(method, settings.network)
  return np.asarray(images)


def with_classes(
  settings: deep.Settings,
  images: Shaped[ArrayLike, "..."],
  labels: Shaped[ArrayLike, "..."] | None,
) -> tuple[UInt8[np.ndarray, "n s s 3"], Int[np.ndarray, "n"]]:
  """Returns the images and their classes, counted from 0.

  Raises:
    ValueError: see `checked_images` and `class_labels.checked_labels`.
  """
  images = checked_images(settings, images)
  classes = class_labels.checked_labels(settings.method, labels, len(images))
  return images, classes


def with_features(
  settings: deep.Settings,
  images: Shaped[ArrayLike, "..."],
  features: Shaped[ArrayLike, "..."] | None,
) -> tuple[UInt8[np.ndarray, "n s s 3"], Float[np.ndarray, "n d"]]:
  """Returns the images and the backbone's features of them.

  Raises:
    ValueError: there is not one row of features per image, or see
      `checked_images` and `linear.checked_features`.
  """
  images = checked_images(settings, images)
  method, num_images = settings.method, len(images)
  if features is None or features.shape[:1] != (num_images,):
    found = "no features" if features is None else f"{len(features)} features"
    raise ValueError(
      f"{method} was given {found} for {num_images} images, but learns from "
      "the backbone's features of each image: pass features=, one row per "
      "image."
    )
  return images, np.asarray(
    linear.checked_features(method, features, settings.num_bits)
  )


def _check_training(settings: deep.Settings, num_images: int) -> None:
  if settings.num_epochs < 1:
    raise ValueError(
      f"{settings.method} was asked for num_epochs={settings.num_epochs}, but "
      "learns in passes over the images: pass 1 or more."
    )
  batch_size, num_devices = settings.batch_size, jax.device_count()
  if not 1 <= batch_size <= num_images or batch_size % num_devices:
    raise ValueError(
      f"{settings.method} was asked for batch_size={batch_size}, but has "
      f"{num_images} images and {num_devices} devices: pass a multiple of "
      f"{num_devices} up to the number of images."
    )


def _check_network(method: str, network: str) -> None:
  known = ", ".join(
    name for name in sorted(HASH_MODELS) if HASH_MODELS[name].inputs == "images"
  )
  if network not in HASH_MODELS:
    raise ValueError(
      f"{method} was asked for the network {network!r}, but there are {known}: "
      "pass one of them."
    )
  if HASH_MODELS[network].inputs != "images":
    raise ValueError(
      f"{method} was asked for the network {network!r}, which takes "
      f"{HASH_MODELS[network].inputs}, but {method} learns from images: pass "
      f"{known}."
    )
