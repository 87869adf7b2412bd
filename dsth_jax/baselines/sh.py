"""Spectral hashing (SH)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Key, Shaped, UInt8

from dsth_jax import codes
from dsth_jax.baselines import linear, pca
from dsth_jax.types import ArrayLike


class SpectralEncoder(NamedTuple):
  """Encodes by y_k = [cos(frequency_k (w_k^T (x - mean) - low_k)) >= 0].

  Attributes:
    mean: of the features that the encoder was fitted to.
    projection: the principal component of every bit.
    lows: the lower end of the features along it.
    frequencies: of the eigenfunction.
  """

  mean: Float[Array, "d"]
  projection: Float[Array, "d b"]
  lows: Float[Array, "b"]
  frequencies: Float[Array, "b"]

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
  key: Key[jax.Array, ""],
) -> SpectralEncoder:
  """Takes the smoothest eigenfunctions of a uniform box.

  The features are taken to be uniform in a box along their principal
  components. Along a side [a, c] the eigenfunctions of the box's Laplacian are

      phi_k(x) = sin(pi / 2 + k pi / (c - a) (x - a))
      lambda_k = 1 - exp(-(epsilon^2 / 2) (k pi / (c - a))^2),  k = 1, 2, ...

  and their signs are the bits. Whatever epsilon is, the b smallest eigenvalues
  are those of the b lowest frequencies k pi / (c - a).

  `Baseline.fit` describes the shared arguments. b may exceed d; nothing is
  drawn.

  Raises:
    ValueError: the features are not a finite matrix, or all equal.

  References:
    Weiss, Torralba and Fergus, Spectral hashing, NIPS 2008. "SH" in the paper's
    comparison.
  """
  del labels, key
  features = linear.checked_features("sh", features, num_bits)
  # More components than bits are never chosen from.
  num_components = min(num_bits, features.shape[1])
  principal = pca.fit(features, num_components=num_components)
  values = linear.project(features, principal.mean, principal.components)
  lows = jnp.min(values, axis=0)
  modes = lowest_modes(jnp.max(values, axis=0) - lows, num_bits)
  return SpectralEncoder(
    principal.mean,
    principal.components[:, modes.sides],
    lows[modes.sides],
    jnp.asarray(modes.frequencies, jnp.float32),
  )


class Modes(NamedTuple):
  """Eigenfunctions of a box, by rising frequency.

  Attributes:
    sides: the side of the box that each varies along.
    frequencies: k pi over the length of the side.
  """

  sides: Int[np.ndarray, "b"]
  frequencies: Float[np.ndarray, "b"]


def lowest_modes(lengths: Float[ArrayLike, "s"], num_modes: int) -> Modes:
  """Returns the eigenfunctions of a box that are smoothest.

  Args:
    lengths: of the sides of the box.
    num_modes: how many; at equal frequency the earlier side comes first.
  """
  lengths = np.asarray(lengths, np.float64)
  # No side has more of the lowest modes than are wanted; a side of length 0
  # has none.
  with np.errstate(divide="ignore"):
    base = np.pi / lengths
  frequencies = base[:, None] * np.arange(1, num_modes + 1)[None, :]
  order = np.argsort(frequencies, axis=None, kind="stable")[:num_modes]
  return Modes(order // num_modes, frequencies.ravel()[order])


@jax.jit
def _encode(encoder: SpectralEncoder, features: Array) -> Array:
  values = linear.project(features, encoder.mean, encoder.projection)
  angles = encoder.frequencies[None, :] * (values - encoder.lows[None, :])
  return codes.binarize(jnp.cos(angles), jnp.zeros(values.shape[1]))
