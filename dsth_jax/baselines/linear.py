"""Codes that are signs of linear projections."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, UInt8

from dsth_jax import codes
from dsth_jax.types import ArrayLike


class LinearEncoder(NamedTuple):
  """Encodes by y_k = [w_k^T (x - mean) >= t_k].

  Attributes:
    mean: of the features that the encoder was fitted to.
    projection: one column per bit.
    thresholds: t; 0 where every plane goes through the mean.
  """

  mean: Float[Array, "d"]
  projection: Float[Array, "d b"]
  thresholds: Float[Array, "b"] | float = 0.0

  def encode(self, features: Float[ArrayLike, "n d"]) -> UInt8[Array, "n b"]:
    """Returns codes of 0 and 1, one row per image.

    Args:
      features: of the network that the encoder was fitted to.

    Raises:
      ValueError: the features have another number of columns.
    """
    return _encode(self, encodable_features(features, self.mean.shape[0]))


def project(
  features: Float[ArrayLike, "n d"],
  mean: Float[ArrayLike, "d"],
  projection: Float[ArrayLike, "d b"],
) -> Float[Array, "n b"]:
  """Returns the values of the centered features along every column."""
  centered = jnp.asarray(features) - jnp.asarray(mean)[None, :]
  return jnp.matmul(
    centered, jnp.asarray(projection), precision=jax.lax.Precision.HIGHEST
  )


@jax.jit
def _encode(encoder: LinearEncoder, features: Array) -> Array:
  values = project(features, encoder.mean, encoder.projection)
  thresholds = jnp.broadcast_to(encoder.thresholds, values.shape[1:])
  return codes.binarize(values, thresholds)


def check_num_bits(method: str, num_bits: int) -> None:
  """Refuses codes without a bit."""
  if num_bits < 1:
    raise ValueError(
      f"{method} was asked for num_bits={num_bits}, but a code has at least "
      "one bit: pass a positive number."
    )


def checked_features(
  method: str, features: ArrayLike, num_bits: int
) -> Float[Array, "n d"]:
  """Returns the features in float32 if a method can be fitted to them."""
  check_num_bits(method, num_bits)
  if features.ndim != 2 or not features.shape[0]:
    raise ValueError(
      f"{method} was given features of shape {list(features.shape)}, but "
      "needs a matrix with a row for each image: flatten all other axes."
    )
  features = jnp.asarray(features, jnp.float32)
  unusable = np.flatnonzero(~np.asarray(jnp.isfinite(features).all(1)))
  if len(unusable):
    raise ValueError(
      f"{method} was given features with NaN or infinity, first in row "
      f"{unusable[0]} ({len(unusable)} rows in all), but needs finite ones: "
      "leave these images out or extract them again."
    )
  if bool(jnp.all(features == features[:1])):
    raise ValueError(
      f"{method} was given {len(features)} images of equal features, but needs "
      "some that differ: pass more images or extract the features again."
    )
  return features


def encodable_features(
  features: ArrayLike, num_features: int
) -> Float[Array, "n d"]:
  """Returns the features in float32 if they have as many columns as fitted."""
  if features.ndim != 2 or features.shape[1] != num_features:
    raise ValueError(
      f"the features have the shape {list(features.shape)}, but the encoder "
      f"was fitted to {num_features} columns: extract them with the same "
      "network."
    )
  return jnp.asarray(features, jnp.float32)
