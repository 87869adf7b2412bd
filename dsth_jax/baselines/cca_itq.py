"""Iterative quantization of canonical directions (CCA-ITQ)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Key, Shaped

from dsth_jax import codes
from dsth_jax.baselines import class_labels, linear, pca
from dsth_jax.types import ArrayLike


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  regularization: float = 1e-4,
  num_iters: int = 50,
  key: Key[Array, ""],
) -> linear.LinearEncoder:
  """Rotates what features and classes have in common towards the corners.

      y = [R^T diag(r) W^T (x - mean) >= 0]

  W holds the canonical directions of the features with the one-hot labels, r
  their correlations, and R is the rotation that `codes.itq_rotation` finds.

  c classes have c - 1 canonical directions, and all other correlations are 0.
  Nothing is lost with more bits than that: weighted by its correlation, every
  further direction is a column of zeros, and the b x b rotation spreads the
  c - 1 informative values over all b bits, which cut the classes apart along
  more hyperplanes. (The authors' program does the same, with the round-off that
  it finds in place of the zeros.) Two bits that ITQ brings to one hyperplane
  stay there: 47 of 48 bits, or 105 of 128, differ on CIFAR-10. Two classes have
  one direction, so that all of their bits are equal or opposite.

  `Baseline.fit` describes the shared arguments. b may exceed the number of
  classes, and d.

  Settings:
    regularization: added to each variance, as a share of their mean.
    num_iters: alternations of ITQ.

  Raises:
    ValueError: the features or the labels cannot be learned from, see
      `linear.checked_features` and `class_labels.checked_labels`.

  References:
    Gong and Lazebnik, Iterative quantization, CVPR 2011. Its
    authors' program adds 1e-4 to the variances as they are; a share does not
    depend on the features' scale.
  """
  features = linear.checked_features("cca_itq", features, num_bits)
  classes = class_labels.checked_labels("cca_itq", labels, features.shape[0])
  if not regularization > 0:
    raise ValueError(
      f"cca_itq was given regularization={regularization}, but inverts a "
      "covariance that may be singular: pass a positive number, such as 1e-4."
    )
  canonical = canonical_directions(
    features, classes, regularization=regularization
  )
  weighted = canonical.directions * canonical.correlations[None, :]
  missing = max(0, num_bits - weighted.shape[1])
  weighted = jnp.pad(weighted[:, :num_bits], ((0, 0), (0, missing)))
  values = linear.project(features, canonical.mean, weighted)
  rotation = codes.itq_rotation(values, num_iters=num_iters, key=key)
  projection = jnp.matmul(
    weighted, rotation.matrix, precision=jax.lax.Precision.HIGHEST
  )
  return linear.LinearEncoder(canonical.mean, projection)


class Canonical(NamedTuple):
  """Canonical correlation analysis of features and classes.

  Attributes:
    mean: of the features.
    directions: columns w with w^T (C + regularization) w = 1.
    correlations: of the features along them and the classes, falling.
  """

  mean: Float[Array, "d"]
  directions: Float[Array, "d r"]
  correlations: Float[Array, "r"]


def canonical_directions(
  features: Float[Array, "n d"],
  classes: Int[np.ndarray, "n"],
  *,
  regularization: float,
) -> Canonical:
  """Finds the directions along which features tell the classes apart.

      B w = r^2 (C + regularization) w,
      B = sum_c p_c (m_c - mean) (m_c - mean)^T

  C is the covariance of the features, p_c the share of a class, m_c its mean.
  B is C_xy C_yy^+ C_yx for the one-hot labels y, whose covariance is
  diag(p) - p p^T: labels are handled in closed form, without the regularizer
  that the singular C_yy needs otherwise.

  Args:
    features: one row per point, not all equal.
    classes: from 0 on; c of them.
    regularization: as a share of the mean variance of a feature.

  Returns:
    `Canonical` with the min(c - 1, d) directions that there are.

  References:
    Hotelling, Relations between two sets of variates, Biometrika 1936; Hastie,
    Buja and Tibshirani, Penalized discriminant analysis, Annals of Statistics
    1995, for its equality with discriminant analysis.
  """
  num_features = features.shape[1]
  principal = pca.fit(features, num_components=num_features)
  variances = np.clip(np.asarray(principal.variances, np.float64), 0.0, None)
  lengths = np.sqrt(variances + regularization * variances.mean())
  whitening = np.asarray(principal.components, np.float64) / lengths
  sizes = np.bincount(classes)
  # Centered first: float32 keeps more digits of sums near zero.
  sums = jax.ops.segment_sum(
    features - principal.mean[None, :], jnp.asarray(classes), len(sizes)
  )
  between = np.asarray(sums, np.float64) / np.sqrt(
    len(classes) * sizes[:, None]
  )
  _, correlations, right = np.linalg.svd(
    between @ whitening, full_matrices=False
  )
  count = min(len(sizes) - 1, num_features)
  return Canonical(
    principal.mean,
    jnp.asarray(whitening @ right[:count].T, jnp.float32),
    jnp.asarray(correlations[:count], jnp.float32),
  )
