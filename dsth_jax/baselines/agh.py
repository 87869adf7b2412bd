"""Anchor graph hashing (AGH)."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import scipy.sparse
from jax import Array
from jaxtyping import Float, Key, Shaped, UInt8

from dsth_jax.baselines import anchor_graph, anchors, linear
from dsth_jax.types import ArrayLike


class AnchorGraphEncoder(NamedTuple):
  """Encodes by the signs of graph eigenvectors, and by a second cut of each.

  With y = W^T z(x), z(x) being the affinities of x to its nearest anchors, the
  first bits are [y_k >= 0]. The next halve both sides: [y_k >= upper_k] where
  the first bit is 1, [y_k <= lower_k] where it is 0.

  Attributes:
    mean: of the features that the encoder was fitted to.
    centers: the anchors, seen from the mean.
    bandwidth: of the affinities.
    projection: W, one column per eigenvector.
    upper: one number a second bit.
    lower: one number a second bit.
    num_nearest: anchors that have an affinity.
  """

  mean: Float[Array, "d"]
  centers: Float[Array, "m d"]
  bandwidth: Float[Array, ""]
  projection: Float[Array, "m first"]
  upper: Float[Array, "second"]
  lower: Float[Array, "second"]
  num_nearest: int

  def encode(self, features: Float[ArrayLike, "n d"]) -> UInt8[Array, "n b"]:
    """Returns codes of 0 and 1, one row per image.

    Raises:
      ValueError: the features have another number of columns.
    """
    features = linear.encodable_features(features, self.mean.shape[0])
    return _encode(self, features, num_nearest=self.num_nearest)


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  num_anchors: int = 300,
  num_nearest: int = 2,
  num_layers: int = 2,
  num_iters: int = 10,
  key: Key[jax.Array, ""],
) -> AnchorGraphEncoder:
  """Cuts the graph in which images are linked through shared anchors.

      A = Z Lambda^-1 Z^T,   Lambda = diag(Z^T 1)

  Z holds the affinities of images to their s nearest anchors. The bits are the
  signs of A's leading eigenvectors, and with two layers a second cut of each.

  `Baseline.fit` describes the shared arguments.

  Settings:
    num_anchors: m.
    num_nearest: s.
    num_layers: 1 or 2; an eigenvector gives one bit or two.
    num_iters: of k-means, at most.

  Raises:
    ValueError: the features are not a finite matrix, there are fewer images
      than anchors, the graph has too few eigenvectors, or an option is out of
      range.

  References:
    Liu, Wang, Kumar and Chang, Hashing with graphs, ICML 2011. The bandwidth,
    which it leaves open, is the mean distance to the s-th nearest anchor.
  """
  del labels
  features = linear.checked_features("agh", features, num_bits)
  mean = jnp.mean(features, axis=0)
  centered = features - mean[None, :]
  centers = anchors.choose(
    "agh", centered, num_anchors=num_anchors, num_iters=num_iters, key=key
  ).centers
  _check_options(len(centers), num_nearest, num_layers)
  squared = anchors.squared_distances(centered, centers)
  bandwidth = jnp.mean(
    jnp.sqrt(-jax.lax.top_k(-squared, num_nearest)[0][:, -1])
  )
  affinities = anchor_graph.to_scipy(
    anchors.affinities(squared, bandwidth, num_nearest=num_nearest),
    len(centers),
  )
  cuts = _cuts(affinities, num_bits, num_layers)
  return AnchorGraphEncoder(mean, centers, bandwidth, *cuts, num_nearest)


def _cuts(
  affinities: scipy.sparse.csr_matrix, num_bits: int, num_layers: int
) -> tuple[Array, Array, Array]:
  """Returns the projection and the upper and lower thresholds."""
  num_second = num_bits // 2 if num_layers == 2 else 0
  projection = anchor_graph.eigenvectors(affinities, num_bits - num_second)
  upper, lower = anchor_graph.second_thresholds(
    affinities, projection[:, :num_second]
  )
  return (
    jnp.asarray(projection, jnp.float32),
    jnp.asarray(upper, jnp.float32),
    jnp.asarray(lower, jnp.float32),
  )


def _check_options(num_anchors: int, num_nearest: int, num_layers: int) -> None:
  if num_layers not in (1, 2):
    raise ValueError(
      f"agh was asked for num_layers={num_layers}, but an eigenvector is cut "
      "once or twice: pass 1 or 2."
    )
  if not 2 <= num_nearest <= num_anchors:
    raise ValueError(
      f"agh was asked for num_nearest={num_nearest} of {num_anchors} anchors, "
      "but images are linked by at least 2 of them: pass a number between."
    )


@functools.partial(jax.jit, static_argnames="num_nearest")
def _encode(
  encoder: AnchorGraphEncoder, features: Array, *, num_nearest: int
) -> Array:
  centered = features - encoder.mean[None, :]
  squared = anchors.squared_distances(centered, encoder.centers)
  nearest = anchors.affinities(
    squared, encoder.bandwidth, num_nearest=num_nearest
  )
  weighted = encoder.projection[nearest.indices] * nearest.weights[:, :, None]
  values = jnp.sum(weighted, axis=1)
  twice = values[:, : len(encoder.upper)]
  second = jnp.where(
    twice >= 0, twice >= encoder.upper[None, :], twice <= encoder.lower[None, :]
  )
  return jnp.concatenate([values >= 0, second], axis=1).astype(jnp.uint8)
