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
  a_k1 .. a_ks among the labeled images. Each weight in turn takes its optimal
  value. The kernel is the paper's: the inner product of centered
  features, with anchors of unit length, so that a bit is a hyperplane.

  `Baseline.fit` describes the shared arguments.

  Settings:
    num_labelled: l, drawn evenly from all classes; only these labels are used.
      0 takes all. Memory is 4 l min(l, b s) bytes (480 MB for 50,000 images at
      48 bits) and 12 bytes a pair; time is linear in the pairs.
    num_anchors: s; all labeled images if there are fewer.
    pairs_per_image: pairs (i, j) per labeled image.
    num_sweeps: visits of every weight. The last of 5 lowers the objective by
      less than 1 %.

  Raises:
    ValueError: the features or the labels cannot be learned from, see
      `linear.checked_features` and `class_labels.checked_labels`.

  References:
    Kulis and Darrell, Learning to hash with binary reconstructive embeddings,
    NIPS 2009. Defaults are those of its authors' program, which draws pairs
    without regard to labels: with many classes few would be of one class.
    Here half of them are.
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
  kernels, places = _anchor_kernels(points, bits.anchors)
  found = bre_descent.descend(
    kernels, bits._replace(anchors=places), pairs, num_sweeps=num_sweeps
  )
  bits = bits._replace(weights=found.weights)
  return linear.LinearEncoder(mean, _hyperplanes(points, bits))


def draw_pairs(
  classes: Int[np.ndarray, "n"], *, num_pairs: int, rng: np.random.Generator
) -> bre_descent.Pairs:
  """Draws pairs without replacement, half of them of one class.

  Args:
    classes: of the labeled images.
    num_pairs: fewer if there are not enough of a kind.
    rng: draws them.
  """
  order = np.argsort(classes, kind="stable")
  num_rows = len(order)
  # In this order the partners of a row are a range: the rest of its class, or
  # all rows after its class.
  ends = np.searchsorted(classes[order], classes[order], side="right")
  last = np.full_like(ends, num_rows)
  ranges = ((np.arange(1, num_rows + 1), ends), (ends, last))
  drawn = [
    order[_draw_in_ranges(starts, stops, num_pairs // 2, rng)]
    for starts, stops in ranges
  ]
  distances = np.repeat(np.arange(2, dtype=np.int32), list(map(len, drawn)))
  first, second = np.sort(np.concatenate(drawn), axis=1).astype(np.int32).T
  return bre_descent.Pairs(*map(jnp.asarray, (first, second, distances)))


def _draw_in_ranges(
  starts: Int[np.ndarray, "n"],
  stops: Int[np.ndarray, "n"],
  num_pairs: int,
  rng: np.random.Generator,
) -> Int[np.ndarray, "p 2"]:
  """Draws pairs (i, j) with starts_i <= j < stops_i, without replacement."""
  totals = np.cumsum(stops - starts)
  num_pairs = min(num_pairs, int(totals[-1]))
  chosen = rng.choice(totals[-1], num_pairs, replace=False)
  first = np.searchsorted(totals, chosen, side="right")
  second = chosen - totals[first] + stops[first]
  return np.stack([first, second], axis=1)


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


def _anchor_kernels(
  points: Float[Array, "n d"], anchors: Int[Array, "b s"]
) -> tuple[Float[Array, "u n"], Int[Array, "b s"]]:
  """Returns the kernels of the anchors, and the row of each anchor in them.

  Those of all points where that is less. The shape does not depend on the draw,
  which would compile the descent again.
  """
  places = anchors
  rows = points
  if anchors.size < len(points):
    places = jnp.arange(anchors.size, dtype=jnp.int32).reshape(anchors.shape)
    rows = points[anchors.ravel()]
  kernels = jnp.matmul(rows, points.T, precision=jax.lax.Precision.HIGHEST)
  return kernels, places


def _hyperplanes(points: Float[Array, "n d"], bits: bre_descent.Bits) -> Array:
  """Sums the weighted anchors of every bit; one column each."""
  columns = jnp.arange(len(bits.anchors))[:, None]
  weights = jnp.zeros((len(points), len(bits.anchors)))
  weights = weights.at[bits.anchors, columns].add(bits.weights)
  return jnp.matmul(points.T, weights, precision=jax.lax.Precision.HIGHEST)
