"""Codes of random Fourier features: shift-invariant kernel LSH (SKLSH)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, Shaped, UInt8
from sklearn.neighbors import NearestNeighbors

from dsth_jax import codes
from dsth_jax.baselines import linear
from dsth_jax.types import ArrayLike

# Points that the bandwidth is averaged over: its standard error is then a few
# thousandths of it.
_NUM_SAMPLES = 1000


class SKLSHEncoder(NamedTuple):
  """Encodes by y_k = [cos(w_k^T (x - mean) + phase_k) >= threshold_k].

  Attributes:
    mean: of the features; it keeps the cosine's argument small.
    projection: w, one column per bit.
    phases: in [0, 2 pi).
    thresholds: in [-1, 1).
  """

  mean: Float[Array, "d"]
  projection: Float[Array, "d b"]
  phases: Float[Array, "b"]
  thresholds: Float[Array, "b"]

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
  bandwidth: float | None = None,
  num_neighbors: int = 50,
  key: Key[jax.Array, ""],
) -> SKLSHEncoder:
  """Draws random waves and thresholds for them.

      y_k = [cos(w_k^T x + u_k) >= t_k],
      w_k ~ N(0, I / bandwidth^2),  u_k ~ U[0, 2 pi],  t_k ~ U[-1, 1]

  The expected share of bits in which two points differ depends only on the
  Gaussian kernel K(x, y) = exp(-||x - y||^2 / (2 bandwidth^2)), and is between

      4/pi^2 (1 - K)  and  min(sqrt(1 - K) / 2, 4/pi^2 (1 - 2/3 K)).

  It never exceeds 4/pi^2: distant points differ little more than close ones,
  and short codes are poor. On features of CIFAR-10, mAP is 0.11, 0.13, 0.20
  and 0.24 with 16, 48, 256 and 1,024 bits (other bandwidths are not better);
  chance is 0.10.

  `Baseline.fit` describes the shared arguments. b may exceed d.

  Settings:
    bandwidth: of the kernel; None takes the mean distance to the 50th nearest
      neighbor, the reference's scale of what is a neighbor.
    num_neighbors: 50 of the line above; fewer if there are fewer images.

  Raises:
    ValueError: the features are not a finite matrix, are so often equal that
      the bandwidth would be 0, or an option is not positive.

  References:
    Raginsky and Lazebnik, Locality-sensitive binary codes from shift-invariant
    kernels, NIPS 2009. "SKLSH" in the paper's comparison.
  """
  del labels
  features = linear.checked_features("sklsh", features, num_bits)
  sample_key, wave_key, phase_key, threshold_key = jax.random.split(key, 4)
  mean = jnp.mean(features, axis=0)
  if bandwidth is None:
    bandwidth = neighbor_distance(
      features - mean[None, :], num_neighbors, key=sample_key
    )
  if not bandwidth > 0:
    raise ValueError(
      f"sklsh has a bandwidth of {bandwidth}, but needs a positive one: pass "
      "one, or fewer copies of the same image."
    )
  waves = jax.random.normal(wave_key, (features.shape[1], num_bits))
  return SKLSHEncoder(
    mean,
    waves / bandwidth,
    jax.random.uniform(phase_key, (num_bits,), maxval=2 * jnp.pi),
    jax.random.uniform(threshold_key, (num_bits,), minval=-1.0),
  )


def neighbor_distance(
  features: Float[ArrayLike, "n d"], num_neighbors: int, *, key: Key[Array, ""]
) -> float:
  """Returns the mean distance to the k-th nearest neighbor, of a sample.

  Centered features keep float32's digits.
  """
  num_points = features.shape[0]
  sample = jax.random.permutation(key, num_points)[:_NUM_SAMPLES]
  # A point of the sample is also its nearest neighbor.
  nearest = NearestNeighbors(
    n_neighbors=min(num_neighbors + 1, num_points), algorithm="brute"
  ).fit(np.asarray(features))
  distances, _ = nearest.kneighbors(np.asarray(features)[np.asarray(sample)])
  return float(distances[:, -1].mean())


@jax.jit
def _encode(encoder: SKLSHEncoder, features: Array) -> Array:
  values = linear.project(features, encoder.mean, encoder.projection)
  waves = jnp.cos(values + encoder.phases[None, :])
  return codes.binarize(waves, encoder.thresholds)
