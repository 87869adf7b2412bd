"""Principal components through the covariance, in bounded memory."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax import Array
from jaxtyping import Float

from dsth_jax.types import ArrayLike

# Centered copies of the features are made of this many rows at a time.
ROWS_IN_BLOCK = 8192
# A float32 covariance gives a direction without variance up to 0.7e-7 of the
# largest one.
_RESOLUTION = 2e-7


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
    features: one row per point.
    num_components: at most d.

  Returns:
    `PCA`. The largest entry of every component is positive, so that a
    repeated fit gives the same signs.
  """
  features = jnp.asarray(features, jnp.float32)
  num_points, num_features = features.shape
  mean = jnp.mean(features, axis=0)
  # On the host, since only the leading pairs are wanted: 1.2 against 6 CPU
  # seconds of jnp.linalg.eigh, which finds all of 1,280.
  variances, vectors = scipy.linalg.eigh(
    scatter(features, mean) / num_points,
    subset_by_index=[num_features - num_components, num_features - 1],
  )
  components = vectors[:, ::-1]
  largest = np.abs(components).argmax(axis=0)
  signs = np.sign(components[largest, np.arange(num_components)])
  return PCA(
    mean,
    jnp.asarray(components * signs, jnp.float32),
    jnp.asarray(variances[::-1], jnp.float32),
  )


def leading(
  method: str, features: Float[ArrayLike, "n d"], num_bits: int
) -> PCA:
  """Finds a component for every bit of a method, or refuses.

  Raises:
    ValueError: the features vary along fewer than b directions.
  """
  num_points, num_features = features.shape
  most = min(num_features, num_points - 1)
  found = fit(features, num_components=min(num_bits, most))
  resolved = found.variances > _RESOLUTION * found.variances[0]
  usable = min(int(jnp.sum(resolved)), most)
  if usable < num_bits:
    raise ValueError(
      f"{method} was asked for num_bits={num_bits}, but {num_points} images of "
      f"{num_features} features have {usable} principal components: pass fewer "
      "bits or more images."
    )
  return found


def scatter(
  features: Float[Array, "n d"], mean: Float[Array, "d"]
) -> Float[np.ndarray, "d d"]:
  """Returns sum_i (x_i - mean) (x_i - mean)^T, in float64 of float32 sums."""
  total = jnp.zeros((len(mean), len(mean)))
  for start in range(0, len(features), ROWS_IN_BLOCK):
    total += _scatter(features[start : start + ROWS_IN_BLOCK], mean)
  return np.asarray(total, np.float64)


@jax.jit
def _scatter(block: Array, mean: Array) -> Array:
  centered = block - mean[None, :]
  return jnp.matmul(centered.T, centered, precision=jax.lax.Precision.HIGHEST)
