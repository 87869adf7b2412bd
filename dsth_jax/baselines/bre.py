"""Binary reconstructive embeddings (BRE), supervised."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Key, Shaped

from dsth_jax import unit_length
from dsth_jax.baselines import bre_descent, class_labels, linear
from dsth_jax.types import ArrayLike


def fit(
  features: Float[ArrayLike, "n d"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  num_labelled: int = 1000,
  num_anchors: int = 50,
  pairs_per_image: int = 50,
  num_sweeps: int = 5,
  key: Key[Array, ""],
) -> linear.LinearEncoder:
  """Makes the share of differing bits equal to the distance of the labels.

      min sum_(i,j) (d_ij - 1/b sum_k [h_ki != h_kj])^2,
      h_k(x) = [sum_q w_kq a_kq^T x >= 0]

  d is 0 for two images of one class and 1 otherwise. Every bit has anchors
  a_k1 .. a_ks of its own among the labelled images, and one weight after the
  other takes its best value. The kernel is the paper's: the inner product of
  centred features, anchors brought to unit length, so that the hash function
  is a hyperplane.

  Args:
    features: one row an image.
    labels: one class an image.
    num_bits: b.
    num_labelled: images drawn from all classes alike; only their labels are
      used.
    num_anchors: s; all labelled images if there are fewer.
    pairs_per_image: pairs (i, j) for each labelled image.
    num_sweeps: how often every weight is visited. The last of 5 lowers the
      objective by less than 1 %.
    key: draws the images, the pairs, the anchors and their first weights.

  Returns:
    The encoder.

  Raises:
    ValueError: the features or the labels cannot be learned from, see
      `linear.checked_features` and `class_labels.checked_labels`.

  References:
    Kulis and Darrell, Learning to hash with binary reconstructive embeddings,
    NIPS 2009. Defaults are those of its authors' program, which draws pairs
    whatever their labels: few are alike if there are many classes, so that
    half of ours are.
  """
  features = linear.checked_features("bre", features, num_bits)
  classes = class_labels.checked_labels("bre", labels, features.shape[0])
  row_key, host_key = jax.random.split(key)
  rng = np.random.default_rng(np.asarray(jax.random.key_data(host_key)))
  rows = class_labels.balanced_rows(classes, num_labelled, key=row_key)
  mean = jnp.mean(features, axis=0)
  points = unit_length.unit_rows(features[rows] - mean[None, :])
  pairs = draw_pairs(
    classes[rows], num_pairs=pairs_per_image * len(rows), rng=rng
  )
  bits = draw_bits(
    len(rows), num_bits=num_bits, num_anchors=num_anchors, rng=rng
  )
  kernels = jnp.matmul(points, points.T, precision=jax.lax.Precision.HIGHEST)
  bits = bre_descent.descend(kernels, bits, pairs, num_sweeps=num_sweeps)
  return linear.LinearEncoder(mean, _hyperplanes(points, bits))


def draw_pairs(
  classes: Int[np.ndarray, "n"], *, num_pairs: int, rng: np.random.Generator
) -> bre_descent.Pairs:
  """Draws pairs without replacement, half of them alike.

  Args:
    classes: of the labelled images.
    num_pairs: fewer if there are not so many of a kind.
    rng: draws them.
  """
  alike = classes[:, None] == classes[None, :]
  drawn = []
  for kind in (alike, ~alike):
    candidates = np.argwhere(np.triu(kind, 1)).astype(np.int32)
    drawn.append(rng.permutation(candidates)[: num_pairs // 2])
  distances = np.repeat(np.arange(2, dtype=np.int32), list(map(len, drawn)))
  first, second = np.concatenate(drawn).T
  return bre_descent.Pairs(*map(jnp.asarray, (first, second, distances)))


def draw_bits(
  num_points: int,
  *,
  num_bits: int,
  num_anchors: int,
  rng: np.random.Generator,
) -> bre_descent.Bits:
  """Draws the anchors of every bit, and normal weights."""
  anchors = [rng.permutation(num_points)[:num_anchors] for _ in range(num_bits)]
  weights = rng.normal(size=np.shape(anchors))
  return bre_descent.Bits(
    jnp.asarray(anchors, jnp.int32), jnp.asarray(weights, jnp.float32)
  )


def _hyperplanes(points: Float[Array, "n d"], bits: bre_descent.Bits) -> Array:
  """Sums the weighted anchors of every bit; one column each."""
  columns = jnp.arange(len(bits.anchors))[:, None]
  weights = jnp.zeros((len(points), len(bits.anchors)))
  weights = weights.at[bits.anchors, columns].add(bits.weights)
  return jnp.matmul(points.T, weights, precision=jax.lax.Precision.HIGHEST)
