"""Principal components through the covariance, in bounded memory."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from dsth_jax.types import ArrayLike

# Centred copies of the features are made of this many rows at a time.
ROWS_IN_BLOCK = 8192


class PCA(NamedTuple):
  """The directions of largest variance.

  Attributes:
    mean: of the features.
    components: orthonormal columns, by falling variance.
    variances: along the components, divided by n.
  """

  mean: Float[Array, "d"]
  components: Float[Array, "d b"]
  variances: Float[Array, "b"]


def fit(features: Float[ArrayLike, "n d"], *, num_components: int) -> PCA:
  """Finds the leading eigenvectors of the covariance.

      C = 1/n sum_i (x_i - mean) (x_i - mean)^T

  Memory: two d x d matrices beside the features.

  Args:
    features: one row a point.
    num_components: at most d.

  Returns:
    `PCA`. The largest entry of every component is positive, so that a
    repeated fit gives the same signs.
  """
  features = jnp.asarray(features, jnp.float32)
  num_points, num_features = features.shape
  mean = jnp.mean(features, axis=0)
  scatter = jnp.zeros((num_features, num_features))
  for start in range(0, num_points, ROWS_IN_BLOCK):
    scatter += _scatter(features[start : start + ROWS_IN_BLOCK], mean)
  variances, vectors = jnp.linalg.eigh(scatter / num_points)
  components = vectors[:, ::-1][:, :num_components]
  largest = jnp.argmax(jnp.abs(components), axis=0)
  signs = jnp.sign(components[largest, jnp.arange(num_components)])
  return PCA(
    mean, components * signs[None, :], variances[::-1][:num_components]
  )


@jax.jit
def _scatter(block: Array, mean: Array) -> Array:
  centred = block - mean[None, :]
  return jnp.matmul(centred.T, centred, precision=jax.lax.Precision.HIGHEST)
