"""Pixels of 0 to 255 to what a network was trained on."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Num

from dsth_jax.types import ArrayLike

# What torchvision's networks expect of pixels of 0 to 1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# What CLIP's networks expect of them.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def normalize(
  pixels: Num[ArrayLike, "n h w 3"],
  mean: tuple[float, ...],
  std: tuple[float, ...],
) -> Float[Array, "n h w 3"]:
  """Returns (pixels / 255 - mean) / std, channel by channel."""
  offset, scale = (
    np.asarray(each, np.float32).reshape(1, 1, 1, 3) for each in (mean, std)
  )
  return (jnp.asarray(pixels).astype(jnp.float32) / 255 - offset) / scale


def imagenet(pixels: Num[ArrayLike, "n h w 3"]) -> Float[Array, "n h w 3"]:
  """Normalizes by ImageNet's mean and standard deviation."""
  return normalize(pixels, IMAGENET_MEAN, IMAGENET_STD)


def clip(pixels: Num[ArrayLike, "n h w 3"]) -> Float[Array, "n h w 3"]:
  """Normalizes by CLIP's mean and standard deviation."""
  return normalize(pixels, CLIP_MEAN, CLIP_STD)


def symmetric(pixels: Num[ArrayLike, "n h w 3"]) -> Float[Array, "n h w 3"]:
  """Scales to -1 to 1."""
  return normalize(pixels, (0.5,) * 3, (0.5,) * 3)
