"""Signs of the principal components (PCA hashing, PCAH)."""

import jax
from jaxtyping import Float, Key, Shaped

from dsth_jax.baselines import linear, pca
from dsth_jax.types import ArrayLike


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[jax.Array, ""],
) -> linear.LinearEncoder:
  """Cuts the features at their mean along each principal component.

      y_k = [p_k^T (x - mean) >= 0]

  This is ITQ without its rotation, and shows what the rotation gains.

  `Baseline.fit` describes the shared arguments. Nothing is drawn.

  Raises:
    ValueError: the features are not a finite matrix, or have fewer than b
      principal components (b <= d and b < n).

  References:
    Wang, Kumar and Chang, Semi-supervised hashing for large-scale search, PAMI
    2012, where it is "PCAH"; "PCA-Direct" in Gong and Lazebnik, Iterative
    quantization, CVPR 2011.
  """
  del labels, key
  features = linear.checked_features("pca_sign", features, num_bits)
  principal = pca.leading("pca_sign", features, num_bits)
  return linear.LinearEncoder(principal.mean, principal.components)
