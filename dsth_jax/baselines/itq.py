"""Iterative quantization of principal components (PCA-ITQ)."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, Shaped

from dsth_jax import codes
from dsth_jax.baselines import linear, pca
from dsth_jax.types import ArrayLike


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  num_iters: int = 50,
  key: Key[jax.Array, ""],
) -> linear.LinearEncoder:
  """Rotates the leading principal components towards the hypercube's corners.

      y = [R^T P^T (x - mean) >= 0]

  P holds the b leading principal components, and R is the rotation that
  `codes.itq_rotation` finds for their values.

  `Baseline.fit` describes the shared arguments.

  Settings:
    num_iters: alternations of ITQ.

  Raises:
    ValueError: the features are not a finite matrix, or have fewer than b
      principal components (b <= d and b < n).

  References:
    Gong and Lazebnik, Iterative quantization, CVPR 2011. "PCA-ITQ" in the
    paper's comparison.
  """
  del labels
  features = linear.checked_features("itq", features, num_bits)
  return rotated_components(
    "itq", features, num_bits, num_iters=num_iters, key=key
  )


def rotated_components(
  method: str,
  features: Float[Array, "n d"],
  num_bits: int,
  *,
  num_iters: int,
  key: Key[Array, ""],
) -> linear.LinearEncoder:
  """Returns the encoder of PCA-ITQ for a method that needs it.

  Raises:
    ValueError: the features have fewer than b principal components.
  """
  principal = pca.leading(method, features, num_bits)
  centered = linear.project(features, principal.mean, principal.components)
  rotation = codes.itq_rotation(centered, num_iters=num_iters, key=key)
  projection = jnp.matmul(
    principal.components, rotation.matrix, precision=jax.lax.Precision.HIGHEST
  )
  return linear.LinearEncoder(principal.mean, projection)
