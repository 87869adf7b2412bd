"""Semantic structure-based unsupervised deep hashing (SSDH)."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, Shaped

from dsth_jax.baselines import deep, deep_inputs, similarity
from dsth_jax.baselines.recipe import Recipe
from dsth_jax.types import ArrayLike

# The authors' optimizer, learning rate and batch. Their epsilon of 1 in Adam,
# for the fine-tuning of a whole VGG, is left out.
RECIPE = Recipe(
  optimizer="adamw", learning_rate=1e-3, weight_decay=0.0, batch_size=24
)
# Of the histogram of distances.
_BIN_WIDTH = 0.01


def fit(
  inputs: Shaped[ArrayLike, "n ..."],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  features: Float[ArrayLike, "n d"] | None = None,
  recipe: Recipe = RECIPE,
  near: float = 2.0,
  far: float = 1.0,
  num_samples: int = 2000,
) -> deep.NetworkEncoder:
  """Learns which pairs of images are similar and dissimilar in the features.

  Pairs with much smaller distances than most are similar, W_ij = 1, those with
  much larger ones dissimilar, W_ij = -1, and all others do not count, see
  `thresholds`. The outputs' tanh learns

      min 1/n^2 sum_ij |W_ij| (tanh(u_i)^T tanh(u_j) / b - W_ij)^2.

  `Baseline` and `Recipe` describe the shared arguments.

  Settings:
    near: standard deviations below the peak at which a pair is similar.
    far: the same above it, for dissimilar pairs. 2, the usual value of `near`,
      left 1.5 percent of CIFAR-10's pairs dissimilar, less than half of the
      similar ones: some bits became constant, and 48 bits gave 624 codes.
    num_samples: images in the sample of the distances.

  Returns:
    The encoder; a bit is the sign of an output.

  Raises:
    ValueError: see `deep_inputs.with_features` and `thresholds`.

  References:
    Yang et al., Semantic structure-based unsupervised deep hashing, IJCAI
    2018. There, the trunk is trained too; here, the backbone stays as it is.
    Not the "SSDH" of the paper's comparison, see `supervised_ssdh`.
  """
  del labels
  settings = deep.Settings("structure_ssdh", num_bits, recipe)
  inputs, features = deep_inputs.with_features(settings, inputs, features)
  sample_key, learn_key = jax.random.split(key)
  structure = thresholds(
    features, near=near, far=far, num_samples=num_samples, key=sample_key
  )
  loss = functools.partial(structure_loss, thresholds=structure)
  return deep.fit(settings, inputs, loss, targets=features, key=learn_key)


class Thresholds(NamedTuple):
  """Cosine distances that separate pairs.

  Attributes:
    near: pairs below are similar.
    far: pairs above are dissimilar.
  """

  near: float
  far: float


def thresholds(
  features: Float[ArrayLike, "n d"],
  *,
  near: float,
  far: float,
  num_samples: int,
  key: Key[Array, ""],
) -> Thresholds:
  """Fits two half Gaussians to the distribution of the distances.

      d_near = m - near s_left,   d_far = m + far s_right

  m is the peak of the histogram, s_left^2 the mean of (d - m)^2 over the
  distances below it, and s_right^2 over those above: a half and its mirror
  image have the mean m and that variance.

  Args:
    features: one row per image.
    near: standard deviations.
    far: standard deviations.
    num_samples: images drawn, if there are more.
    key: of the draw.

  Returns:
    `Thresholds(near, far)`.

  Raises:
    ValueError: no pair of the sample is below or above them.
  """
  rows = jax.random.permutation(key, len(features))[:num_samples]
  sample = jnp.asarray(features)[rows]
  above_diagonal = np.triu_indices(len(rows), 1)
  distances = 1 - np.asarray(similarity.cosines(sample))[above_diagonal]
  peak = _peak(distances)
  below = distances[distances <= peak] - peak
  above = distances[distances >= peak] - peak
  found = Thresholds(
    float(peak - near * np.sqrt(np.mean(below**2))),
    float(peak + far * np.sqrt(np.mean(above**2))),
  )
  if distances.min() >= found.near or distances.max() <= found.far:
    raise ValueError(
      f"structure_ssdh was given features of cosine distances from {distances.min():.3g} "
      f"to {distances.max():.3g}, but learns from pairs below {found.near:.3g} "
      f"and above {found.far:.3g}: pass other features, or smaller near= and "
      "far=."
    )
  return found


def _peak(distances: np.ndarray) -> float:
  """Returns the mean distance in the fullest bin of the histogram."""
  bins = (distances / _BIN_WIDTH).astype(int)
  fullest = np.bincount(bins).argmax()
  return float(np.mean(distances[bins == fullest]))


def structure_loss(
  outputs: Float[Array, "n b"],
  features: Float[Array, "n d"],
  *,
  thresholds: Thresholds,
) -> Float[Array, ""]:
  """Averages |W_ij| (tanh(u_i)^T tanh(u_j) / b - W_ij)^2 over the pairs.

  The paper divides by n^2 and counts the pairs of an image with itself; these
  are left out here.
  """
  distances = 1 - similarity.cosines(features)
  is_near = distances < thresholds.near
  is_far = distances > thresholds.far
  wanted = is_near.astype(outputs.dtype) - is_far.astype(outputs.dtype)
  relaxed = jnp.tanh(outputs)
  products = relaxed @ relaxed.T / outputs.shape[1]
  errors = jnp.abs(wanted) * (products - wanted) ** 2
  return similarity.mean_over_pairs(errors)
