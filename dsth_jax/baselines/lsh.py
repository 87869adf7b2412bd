"""Locality-sensitive hashing: signs of random projections (LSH)."""

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key, Shaped

from dsth_jax.baselines import linear
from dsth_jax.types import ArrayLike


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[jax.Array, ""],
) -> linear.LinearEncoder:
  """Draws random hyperplanes through the mean of the features.

      y_k = [w_k^T (x - mean) >= 0],   w_k ~ N(0, I)

  Two points at an angle a, as seen from the mean, share a bit with probability
  1 - a / pi.

  `Baseline.fit` describes the shared arguments. b may exceed d.

  Raises:
    ValueError: the features are not a finite matrix, or `num_bits` is below 1.

  References:
    Charikar, Similarity estimation techniques from rounding algorithms, STOC
    2002, section 3. "LSH" in the paper's comparison.
  """
  del labels
  features = linear.checked_features("lsh", features, num_bits)
  projection = jax.random.normal(key, (features.shape[1], num_bits))
  return linear.LinearEncoder(jnp.mean(features, axis=0), projection)
