"""Checks of what the deep methods are given, before any work is done."""

import jax
import numpy as np
from jaxtyping import Float, Int, Shaped

from dsth_jax.baselines import class_labels, deep, linear, recipe
from dsth_jax.models.hash_models import HASH_MODELS
from dsth_jax.types import ArrayLike


def checked(
  settings: deep.Settings, inputs: Shaped[ArrayLike, "..."]
) -> Shaped[np.ndarray, "n ..."]:
  """Returns what the network learns from in NumPy.

  Args:
    settings: their network sees images, or the backbone's features.
    inputs: UInt8[n s s 3] or Float[n d].

  Raises:
    ValueError: they are not what the network sees, or cannot be learned from;
      the network does not exist; or a setting is out of range.
  """
  method = settings.method
  linear.check_num_bits(method, settings.num_bits)
  _check_network(settings, inputs)
  recipe.check(method, settings.recipe)
  if settings.sees_features:
    inputs = linear.checked_features(method, inputs, settings.num_bits)
  else:
    _check_images(method, inputs)
  _check_batches(settings, len(inputs))
  return np.asarray(inputs)


def with_classes(
  settings: deep.Settings,
  inputs: Shaped[ArrayLike, "..."],
  labels: Shaped[ArrayLike, "..."] | None,
) -> tuple[Shaped[np.ndarray, "n ..."], Int[np.ndarray, "n"]]:
  """Returns the inputs and their classes, counted from 0.

  Raises:
    ValueError: see `checked` and `class_labels.checked_labels`.
  """
  inputs = checked(settings, inputs)
  classes = class_labels.checked_labels(settings.method, labels, len(inputs))
  return inputs, classes


def with_features(
  settings: deep.Settings,
  inputs: Shaped[ArrayLike, "..."],
  features: Shaped[ArrayLike, "..."] | None,
) -> tuple[Shaped[np.ndarray, "n ..."], Float[np.ndarray, "n d"]]:
  """Returns the inputs and the backbone's features of the same images.

  They are the same where the network sees features.

  Raises:
    ValueError: there is not one row of features per image, or see `checked`
      and `linear.checked_features`.
  """
  inputs = checked(settings, inputs)
  if features is None and settings.sees_features:
    return inputs, inputs
  method, num_images = settings.method, len(inputs)
  if features is None or features.shape[:1] != (num_images,):
    found = "no features" if features is None else f"{len(features)} features"
    raise ValueError(
      f"{method} was given {found} for {num_images} images, but learns from "
      "the backbone's features of each image: pass features=, one row per "
      "image."
    )
  return inputs, np.asarray(
    linear.checked_features(method, features, settings.num_bits)
  )


def checked_views(
  settings: deep.Settings,
  features: Float[np.ndarray, "n d"],
  views: Shaped[ArrayLike, "..."] | None,
  *,
  least: int,
) -> Float[np.ndarray, "n v d"]:
  """Returns the features of random views of each image.

  Args:
    settings: of the method.
    features: of the images.
    views: features of v views of each image; may be a memory map.
    least: of v.

  Raises:
    ValueError: there are no views, or other ones than are needed.
  """
  num_images, num_features = features.shape
  found = "no views" if views is None else f"views of shape {list(views.shape)}"
  is_fit = views is not None and (
    views.ndim == 3
    and (views.shape[0], views.shape[2]) == (num_images, num_features)
    and views.shape[1] >= least
  )
  if not is_fit:
    raise ValueError(
      f"{settings.method} was given {found} for {num_images} images with "
      f"{num_features} features, but learns from features of {least} or more "
      "random views of each image: pass views=, an array of shape "
      f"[{num_images}, v, {num_features}]."
    )
  # A memory map stays one.
  return views if isinstance(views, np.ndarray) else np.asarray(views)


def _check_images(method: str, images: Shaped[ArrayLike, "..."]) -> None:
  shape = images.shape
  is_square = len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3
  if not is_square or images.dtype != np.uint8:
    raise ValueError(
      f"{method} was given {images.dtype} images of shape {list(shape)}, but "
      "needs uint8 [n, s, s, 3]: crop them to square images of values from 0 "
      "to 255."
    )


def _check_batches(settings: deep.Settings, num_images: int) -> None:
  batch_size, num_devices = settings.recipe.batch_size, jax.device_count()
  if not 1 <= batch_size <= num_images or batch_size % num_devices:
    raise ValueError(
      f"{settings.method} was asked for batch_size={batch_size}, but has "
      f"{num_images} images and {num_devices} devices: pass a multiple of "
      f"{num_devices} up to the number of images."
    )


def _check_network(
  settings: deep.Settings, inputs: Shaped[ArrayLike, "..."]
) -> None:
  """Refuses a network that does not exist, or sees another kind of inputs."""
  method, network = settings.method, settings.recipe.network
  if network not in HASH_MODELS:
    raise ValueError(
      f"{method} was asked for the network {network!r}, but there are "
      f"{', '.join(sorted(HASH_MODELS))}: pass one of them."
    )
  given = {2: "features", 4: "images"}.get(inputs.ndim)
  if given not in (None, settings.hash_model.inputs):
    others = ", ".join(
      name for name in sorted(HASH_MODELS) if HASH_MODELS[name].inputs == given
    )
    raise ValueError(
      f"{method} was asked for the network {network!r}, which takes "
      f"{settings.hash_model.inputs}, but was given {given}: pass {others} as "
      f"the network, or {settings.hash_model.inputs}."
    )
