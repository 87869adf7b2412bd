"""Gaussian kernels of a few anchors, and codes that are linear in them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, UInt8

from dsth_jax import codes
from dsth_jax.baselines import anchors as anchor_lib
from dsth_jax.baselines import linear
from dsth_jax.types import ArrayLike


class Kernels(NamedTuple):
  """The kernel functions of the anchors.

  Attributes:
    mean: of the features.
    anchors: minus the mean, seen from which distances lose the fewest digits.
    width: the mean squared distance of a point and an anchor.
    offsets: the mean of every kernel function over the points.
  """

  mean: Float[Array, "d"]
  anchors: Float[Array, "m d"]
  width: Float[Array, ""]
  offsets: Float[Array, "m"]


class KernelEncoder(NamedTuple):
  """Encodes by y_k = [w_k^T f(x) >= 0], f the centered kernel functions.

  Attributes:
    kernels: of the anchors.
    projection: one column per bit.
  """

  kernels: Kernels
  projection: Float[Array, "m b"]

  def encode(self, features: Float[ArrayLike, "n d"]) -> UInt8[Array, "n b"]:
    """Returns codes of 0 and 1, one row per image.

    Args:
      features: of the network that the encoder was fitted to.

    Raises:
      ValueError: the features have another number of columns.
    """
    needed = self.kernels.mean.shape[0]
    return _encode(self, linear.encodable_features(features, needed))


def fit(
  features: Float[Array, "n d"], *, num_anchors: int, key: Key[Array, ""]
) -> Kernels:
  """Draws the anchors from the points, and centers their kernel functions.

      f_j(x) = exp(-||x - a_j||^2 / (2 width)) - offset_j

  Args:
    features: one row per point; not all equal.
    num_anchors: m; all points are taken if there are fewer.
    key: draws the anchors.

  Returns:
    `Kernels(mean[d], anchors[m d], width, offsets[m])`.

  References:
    Liu et al., Supervised hashing with kernels, CVPR 2012; its
    authors' program sets the width to the mean squared distance.
  """
  mean = jnp.mean(features, axis=0)
  chosen = jax.random.permutation(key, features.shape[0])[:num_anchors]
  anchors = features[chosen] - mean[None, :]
  variance = jnp.sum(jnp.var(features, axis=0))
  # Over all points x and anchors a: the product (x - mean)^T a vanishes.
  width = variance + jnp.mean(jnp.sum(jnp.square(anchors), axis=1))
  kernels = Kernels(mean, anchors, width, jnp.zeros(len(anchors)))
  offsets = jnp.mean(evaluate(kernels, features), axis=0)
  return kernels._replace(offsets=offsets)


@jax.jit
def evaluate(
  kernels: Kernels, features: Float[Array, "n d"]
) -> Float[Array, "n m"]:
  """Returns the centered kernel functions of every point."""
  centered = features - kernels.mean[None, :]
  squared = anchor_lib.squared_distances(centered, kernels.anchors)
  gaussians = jnp.exp(-squared / (2 * kernels.width))
  return gaussians - kernels.offsets[None, :]


@jax.jit
def _encode(encoder: KernelEncoder, features: Array) -> Array:
  values = jnp.matmul(
    evaluate(encoder.kernels, features),
    encoder.projection,
    precision=jax.lax.Precision.HIGHEST,
  )
  return codes.binarize(values, jnp.zeros(values.shape[1]))
