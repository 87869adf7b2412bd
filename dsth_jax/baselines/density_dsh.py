"""Density sensitive hashing (DSH): planes between groups of features.

Not the deep supervised hashing of the same initials.
"""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jax import Array
from jaxtyping import Bool, Float, Int, Key, Shaped

from dsth_jax.baselines import anchors, linear
from dsth_jax.types import ArrayLike


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  groups_per_bit: float = 1.5,
  num_adjacent: int = 3,
  num_iters: int = 3,
  key: Key[jax.Array, ""],
) -> linear.LinearEncoder:
  """Cuts between neighboring groups of features where the cut is balanced.

      w_ij = c_i - c_j,   t_ij = w_ij^T (c_i + c_j) / 2

  for groups of centers c_i and c_j that are r-adjacent: one is among the r
  nearest of the other. Of these median planes, the b are taken that split all
  groups with the largest entropy -p log p - (1 - p) log(1 - p), p being the
  share of images in the groups on one side.

  `Baseline.fit` describes the shared arguments.

  Settings:
    groups_per_bit: alpha; k-means makes alpha b groups.
    num_adjacent: r.
    num_iters: p, of k-means.

  Raises:
    ValueError: the features are not a finite matrix, there are fewer images
      than groups, or their groups make fewer than b planes.

  References:
    Jin, Li, Lin and Cai, Density sensitive hashing, IEEE Trans. Cybernetics
    2014, with its alpha, r and p. "DSH" in the paper's comparison.
  """
  del labels
  features = linear.checked_features("density_dsh", features, num_bits)
  mean = jnp.mean(features, axis=0)
  groups = anchors.choose(
    "density_dsh",
    features - mean[None, :],
    num_anchors=max(2, int(np.ceil(groups_per_bit * num_bits))),
    num_iters=num_iters,
    key=key,
  )
  pairs = adjacent_pairs(groups.centers, num_adjacent)
  if len(pairs) < num_bits:
    raise ValueError(
      f"density_dsh was asked for num_bits={num_bits}, but has {len(pairs)} "
      "pairs of adjacent groups of different images: pass more images, fewer "
      "bits, or a larger groups_per_bit or num_adjacent."
    )
  first, second = (groups.centers[pairs[:, side]] for side in (0, 1))
  normals = first - second
  thresholds = jnp.sum(normals * (first + second) / 2, axis=1)
  sides = groups.centers @ normals.T >= thresholds[None, :]
  entropies = plane_entropies(np.asarray(sides), np.asarray(groups.sizes))
  chosen = np.argsort(-entropies, kind="stable")[:num_bits]
  return linear.LinearEncoder(mean, normals[chosen].T, thresholds[chosen])


def adjacent_pairs(
  centers: Float[Array, "m d"], num_adjacent: int
) -> Int[np.ndarray, "p 2"]:
  """Returns pairs i < j of which one is among the r nearest of the other."""
  squared = np.array(anchors.squared_distances(centers, centers))
  np.fill_diagonal(squared, np.inf)
  num_nearest = min(num_adjacent, len(squared) - 1)
  nearest = np.argsort(squared, axis=1, kind="stable")[:, :num_nearest]
  adjacent = np.zeros(squared.shape, bool)
  np.put_along_axis(adjacent, nearest, True, axis=1)
  return np.argwhere(np.triu(adjacent | adjacent.T))


def plane_entropies(
  sides: Bool[np.ndarray, "m p"], sizes: Int[np.ndarray, "m"]
) -> Float[np.ndarray, "p"]:
  """Returns the entropy of the two sides of every plane, in nats.

  Args:
    sides: whether a group lies on a plane's positive side.
    sizes: of the groups.
  """
  share = sizes @ sides / np.sum(sizes)
  return scipy.special.entr(share) + scipy.special.entr(1 - share)
