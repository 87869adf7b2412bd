"""Binary reconstructive embeddings (BRE), supervised."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, Int32, Key, Shaped

from dsth_jax.baselines import class_labels, linear
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
  points = _unit_rows(features[rows] - mean[None, :])
  pairs = draw_pairs(
    classes[rows], num_pairs=pairs_per_image * len(rows), rng=rng
  )
  bits = draw_bits(
    len(rows), num_bits=num_bits, num_anchors=num_anchors, rng=rng
  )
  kernels = jnp.matmul(points, points.T, precision=jax.lax.Precision.HIGHEST)
  bits = descend(kernels, bits, pairs, num_sweeps=num_sweeps)
  return linear.LinearEncoder(mean, _hyperplanes(points, bits))


class Pairs(NamedTuple):
  """Pairs of labelled images.

  Attributes:
    first: a row each.
    second: another one.
    distances: 0 if their labels are alike, else 1.
  """

  first: Int32[Array, "p"]
  second: Int32[Array, "p"]
  distances: Int32[Array, "p"]


class Bits(NamedTuple):
  """The hash functions.

  Attributes:
    anchors: rows of the labelled images, different ones within a bit.
    weights: of the anchors' kernels.
  """

  anchors: Int32[Array, "b s"]
  weights: Float[Array, "b s"]


def draw_pairs(
  classes: Int[np.ndarray, "n"], *, num_pairs: int, rng: np.random.Generator
) -> Pairs:
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
  return Pairs(*map(jnp.asarray, (first, second, distances)))


def draw_bits(
  num_points: int,
  *,
  num_bits: int,
  num_anchors: int,
  rng: np.random.Generator,
) -> Bits:
  """Draws the anchors of every bit, and normal weights."""
  anchors = [rng.permutation(num_points)[:num_anchors] for _ in range(num_bits)]
  weights = rng.normal(size=np.shape(anchors))
  return Bits(
    jnp.asarray(anchors, jnp.int32), jnp.asarray(weights, jnp.float32)
  )


class _State(NamedTuple):
  """What a visit changes; the objective is counted in integers.

  Attributes:
    weights: of every bit's anchors.
    codes: of the labelled images.
    mismatches: the number of bits in which a pair differs.
  """

  weights: Float[Array, "b s"]
  codes: Bool[Array, "b n"]
  mismatches: Int32[Array, "p"]


@jax.jit
def descend(
  kernels: Float[Array, "n n"],
  bits: Bits,
  pairs: Pairs,
  *,
  num_sweeps: int | Int[Array, ""],
) -> Bits:
  """Gives every weight its best value in turn; the objective never rises.

  Args:
    kernels: of every two labelled images.
    bits: the first weights.
    pairs: that the objective sums over.
    num_sweeps: visits of every weight.
  """
  num_bits = len(bits.anchors)

  def visit(place: Array, state: _State) -> _State:
    position, bit = jnp.divmod(place % bits.anchors.size, num_bits)
    rows = kernels[bits.anchors[bit]]
    return _visit(state, bit, position, rows, pairs)

  values = jax.vmap(jnp.matmul)(bits.weights, kernels[bits.anchors])
  codes = values >= 0
  differ = codes[:, pairs.first] != codes[:, pairs.second]
  state = _State(bits.weights, codes, jnp.sum(differ, axis=0, dtype=jnp.int32))
  num_visits = num_sweeps * bits.anchors.size
  state = jax.lax.fori_loop(0, num_visits, visit, state)
  return bits._replace(weights=state.weights)


def _visit(
  state: _State, bit: Array, position: Array, rows: Array, pairs: Pairs
) -> _State:
  """Changes one weight if that lowers the objective.

  A pair that the other bits tell apart o times costs (b d - o - x)^2 / b^2, x
  being 1 if this bit tells it apart too. So b^2 times the price of x = 1 is the
  integer 1 - 2 (b d - o).
  """
  code, weights = state.codes[bit], state.weights[bit]
  differ = code[pairs.first] != code[pairs.second]
  others = state.mismatches - differ
  prices = 1 - 2 * (len(state.codes) * pairs.distances - others)
  best = best_weight(
    rows[position], weights @ rows, weights[position], prices, pairs
  )
  new_weights = weights.at[position].set(best)
  new_code = new_weights @ rows >= 0
  new_differ = new_code[pairs.first] != new_code[pairs.second]
  # Round-off may move a point across a threshold that is close to it.
  lower = jnp.sum(prices * new_differ) < jnp.sum(prices * differ)
  return _State(
    state.weights.at[bit].set(jnp.where(lower, new_weights, weights)),
    state.codes.at[bit].set(jnp.where(lower, new_code, code)),
    others + jnp.where(lower, new_differ, differ),
  )


def best_weight(
  kernel: Float[Array, "n"],
  values: Float[Array, "n"],
  weight: Float[Array, ""],
  prices: Int32[Array, "p"],
  pairs: Pairs,
) -> Float[Array, ""]:
  """Finds the weight of one anchor at which a bit pays the least.

  While the weight grows, point i changes its bit once, at
  weight - values_i / kernel_i. A pair changes between telling and not telling
  its points apart only between their two changes, so that one cumulative sum
  prices all of the n + 1 intervals.

  Args:
    kernel: of the anchor with every point.
    values: whose signs are the bits, with the present weight.
    weight: the present one.
    prices: of every pair that the bit tells apart.
    pairs: of points.

  Returns:
    The middle of the cheapest interval.

  References:
    Section 3.2 of the paper.
  """
  changes = weight - values / kernel
  # A kernel of 0 leaves the bit as it is, at any weight.
  moves = jnp.isfinite(changes)
  never = 1 + 2 * jnp.max(jnp.abs(changes), where=moves, initial=0.0)
  changes = jnp.where(moves, changes, never)
  order = jnp.argsort(changes)
  bounds = changes[order]
  below = jnp.append(bounds[0] - 1, bounds)
  above = jnp.append(bounds, bounds[-1] + 1)
  middle = (below + above) / 2
  # Between points that change at once, or nearly so, there is no weight.
  exists = (below < middle) & (middle < above) & (middle < never)
  lowest_code = jnp.where(moves, kernel < 0, values >= 0)
  totals = _interval_prices(order, lowest_code, prices, pairs)
  return middle[jnp.argmin(jnp.where(exists, totals, jnp.iinfo("int32").max))]


def _interval_prices(
  order: Int32[Array, "n"],
  code: Bool[Array, "n"],
  prices: Int32[Array, "p"],
  pairs: Pairs,
) -> Int32[Array, "m"]:
  """Prices a bit after none, one, two ... of its points have changed.

  Up to the price of the bit before any of them has.

  Args:
    order: in which the points change.
    code: the bit before any has.
    prices: of every pair that the bit tells apart.
    pairs: of points.
  """
  ranks = jnp.zeros_like(order).at[order].set(jnp.arange(len(order)))
  ends = ranks[pairs.first], ranks[pairs.second]
  apart = code[pairs.first] != code[pairs.second]
  steps = jnp.where(apart, -prices, prices)
  totals = jnp.zeros(len(order) + 1, jnp.int32)
  totals = totals.at[1 + jnp.minimum(*ends)].add(steps)
  return jnp.cumsum(totals.at[1 + jnp.maximum(*ends)].add(-steps))


@jax.jit
def _hyperplanes(points: Float[Array, "n d"], bits: Bits) -> Array:
  """Sums the weighted anchors of every bit."""
  normals = jax.vmap(jnp.matmul)(bits.weights, points[bits.anchors])
  return normals.T


def _unit_rows(points: Float[Array, "n d"]) -> Float[Array, "n d"]:
  """Brings rows to length 1; a row of zeros stays."""
  lengths = jnp.linalg.norm(points, axis=1, keepdims=True)
  return points / jnp.where(lengths > 0, lengths, 1.0)
