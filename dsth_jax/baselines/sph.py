"""Spherical hashing (SpH): a bit says whether a point is in a ball."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, Shaped, UInt8

from dsth_jax.baselines import anchors, linear
from dsth_jax.types import ArrayLike


class SphericalEncoder(NamedTuple):
  """Encodes by y_k = [||x - mean - pivot_k||^2 <= squared_radius_k].

  Attributes:
    mean: of the features that the encoder was fitted to.
    pivots: the centers of the balls, seen from the mean.
    squared_radii: of the balls.
  """

  mean: Float[Array, "d"]
  pivots: Float[Array, "b d"]
  squared_radii: Float[Array, "b"]

  def encode(self, features: Float[ArrayLike, "n d"]) -> UInt8[Array, "n b"]:
    """Returns codes of 0 and 1, one row per image.

    Raises:
      ValueError: the features have another number of columns.
    """
    needed = self.mean.shape[0]
    return _encode(self, linear.encodable_features(features, needed))


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  mean_tolerance: float = 0.10,
  std_tolerance: float = 0.15,
  max_iters: int = 100,
  key: Key[jax.Array, ""],
) -> SphericalEncoder:
  """Finds balls that halve the features, and quarter them in pairs.

  Starts at random features. With o_ij the number of features in both balls i
  and j, every pivot then moves by the mean of the forces

      f_ij = 1/2 (o_ij - n/4) / (n/4) (pivot_i - pivot_j)

  and every radius becomes the median distance, until
  mean |o_ij - n/4| <= mean_tolerance n/4 and std o_ij <= std_tolerance n/4.

  Codes are compared by Hamming distance, as those of all methods here, not by
  the reference's distance, which counts common ones as well.

  `Baseline.fit` describes the shared arguments. b may exceed d.

  Settings:
    mean_tolerance: epsilon_m.
    std_tolerance: epsilon_s.
    max_iters: moves, at most. In few dimensions many balls may never reach
      the tolerances.

  Raises:
    ValueError: the features are not a finite matrix, or all equal.

  References:
    Heo, Lee, He, Chang and Yoon, Spherical hashing, CVPR 2012. "SpH" in the
    paper's comparison.
  """
  del labels
  features = linear.checked_features("sph", features, num_bits)
  mean = jnp.mean(features, axis=0)
  centered = features - mean[None, :]
  pivots = _first_pivots(centered, num_bits, key)
  squared_radii, overlaps = _balls(centered, pivots)
  for _ in range(max_iters):
    if _is_settled(overlaps, len(features), mean_tolerance, std_tolerance):
      break
    pivots = _moved(pivots, overlaps / (len(features) / 4) - 1)
    squared_radii, overlaps = _balls(centered, pivots)
  return SphericalEncoder(mean, pivots, squared_radii)


def _first_pivots(
  centered: Float[Array, "n d"], num_bits: int, key: Key[Array, ""]
) -> Float[Array, "b d"]:
  num_points = centered.shape[0]
  chosen = jax.random.choice(
    key, num_points, (num_bits,), replace=num_bits > num_points
  )
  return centered[chosen]


def _balls(
  centered: Float[Array, "n d"], pivots: Float[Array, "b d"]
) -> tuple[Float[Array, "b"], Float[Array, "b b"]]:
  """Returns the radii that halve the points, and the overlaps they make."""
  squared = anchors.squared_distances(centered, pivots)
  squared_radii = jnp.asarray(_halfway(np.asarray(squared)))
  return squared_radii, _overlaps(squared, squared_radii)


def _halfway(squared: Float[np.ndarray, "n b"]) -> Float[np.ndarray, "b"]:
  """Returns what ceil(n/2) values of each column are below.

  It lies between two values, so that no point is on its ball. On the host:
  XLA's sort takes 1.4 s on a CPU where this takes 0.04 s (n=50,000, b=48).
  """
  last = (len(squared) - 1) // 2
  following = min(last + 1, len(squared) - 1)
  ordered = np.partition(squared, (last, following), axis=0)
  return (ordered[last] + ordered[following]) / 2


@jax.jit
def _overlaps(
  squared: Float[Array, "n b"], squared_radii: Float[Array, "b"]
) -> Float[Array, "b b"]:
  """Returns o_ij; exact in float32 up to 16 million points."""
  inside = (squared <= squared_radii[None, :]).astype(jnp.float32)
  return inside.T @ inside


def _is_settled(
  overlaps: Float[Array, "b b"],
  num_points: int,
  mean_tolerance: float,
  std_tolerance: float,
) -> bool:
  wanted = num_points / 4
  pairs = np.asarray(overlaps)[np.triu_indices(len(overlaps), 1)]
  if not len(pairs):
    return True
  is_centered = np.mean(np.abs(pairs - wanted)) <= mean_tolerance * wanted
  return bool(is_centered and np.std(pairs) <= std_tolerance * wanted)


@jax.jit
def _moved(
  pivots: Float[Array, "b d"], excess: Float[Array, "b b"]
) -> Float[Array, "b d"]:
  """Returns the pivots after the forces of their relative excess overlaps."""
  # The diagonal's forces are 0: a pivot does not repel itself.
  pushes = jnp.sum(excess, axis=1, keepdims=True) * pivots
  pulls = jnp.matmul(excess, pivots, precision=jax.lax.Precision.HIGHEST)
  return pivots + (pushes - pulls) / (2 * len(pivots))


@jax.jit
def _encode(encoder: SphericalEncoder, features: Array) -> Array:
  centered = features - encoder.mean[None, :]
  squared = anchors.squared_distances(centered, encoder.pivots)
  return (squared <= encoder.squared_radii[None, :]).astype(jnp.uint8)
