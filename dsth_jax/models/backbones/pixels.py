"""The pixels themselves as features."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Num

from dsth_jax.types import ArrayLike


def preprocess(pixels: Num[ArrayLike, "n h w 3"]) -> Float[Array, "n h w 3"]:
  """Scales pixels from 0..255 to 0..1."""
  return jnp.asarray(pixels).astype(jnp.float32) / 255


def load(weights: str) -> Callable[[Array], Array]:
  """Returns the function that makes one row of an image; it has no weights."""
  del weights

  def flatten(images: Float[Array, "n h w 3"]) -> Float[Array, "n d"]:
    return images.reshape(images.shape[0], -1)

  return flatten
