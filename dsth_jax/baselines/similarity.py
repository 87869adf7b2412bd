"""Cosine similarities within a batch, as losses compare them."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

# Below the square of any length that float32 features have; keeps the gradient
# at a row of zeros finite.
_TINY = 1e-12


def cosines(values: Float[Array, "n d"]) -> Float[Array, "n n"]:
  """Returns the cosine of every pair; 0 where a row is zero."""
  lengths = jnp.sum(values**2, axis=1, keepdims=True)
  directions = values * jax.lax.rsqrt(lengths + _TINY)
  return jnp.matmul(
    directions, directions.T, precision=jax.lax.Precision.HIGHEST
  )


def mean_over_pairs(values: Float[Array, "n n"]) -> Float[Array, ""]:
  """Averages over the pairs of two different rows."""
  num_rows = len(values)
  off_diagonal = jnp.where(jnp.eye(num_rows, dtype=bool), 0.0, values)
  return jnp.sum(off_diagonal) / (num_rows * (num_rows - 1))


def cosine_error(
  codes: Float[Array, "n b"], features: Float[Array, "n d"]
) -> Float[Array, ""]:
  """Averages (cos(b_i, b_j) - cos(x_i, x_j))^2 over the pairs of a batch.

  The published programs of GreedyHash and Bi-half average over the n / 2 pairs
  of an image of the batch's first half and one of its second half. Over all
  pairs the mean is the same, and varies less.
  """
  return mean_over_pairs((cosines(codes) - cosines(features)) ** 2)
