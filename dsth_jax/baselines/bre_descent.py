"""Coordinate descent on the objective of binary reconstructive embeddings."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int, Int32

_product = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


class Pairs(NamedTuple):
  """Pairs of labeled images.

  Attributes:
    first: a row each.
    second: another one.
    distances: 0 if they are of one class, else 1.
  """

  first: Int32[Array, "p"]
  second: Int32[Array, "p"]
  distances: Int32[Array, "p"]


class Bits(NamedTuple):
  """The hash functions.

  Attributes:
    anchors: rows of the kernels, of different images within a bit.
    weights: of the anchors' kernels.
  """

  anchors: Int32[Array, "b s"]
  weights: Float[Array, "b s"]


class _State(NamedTuple):
  """What a visit changes; the objective is counted in integers.

  Attributes:
    weights: of every bit's anchors.
    codes: of the labeled images.
    mismatches: the number of bits in which a pair differs.
  """

  weights: Float[Array, "b s"]
  codes: Bool[Array, "b n"]
  mismatches: Int32[Array, "p"]


@jax.jit
def descend(
  kernels: Float[Array, "u n"],
  bits: Bits,
  pairs: Pairs,
  *,
  num_sweeps: int | Int[Array, ""],
) -> Bits:
  """Gives every weight its optimal value in turn; the objective never rises.

  Args:
    kernels: of the anchors with every labeled image.
    bits: the first weights.
    pairs: that the objective sums over.
    num_sweeps: visits of every weight.
  """
  num_bits = len(bits.anchors)

  def visit(place: Array, state: _State) -> _State:
    position, bit = jnp.divmod(place % bits.anchors.size, num_bits)
    rows = kernels[bits.anchors[bit]]
    return _visit(state, bit, position, rows, pairs)

  # One bit after the other: the rows of all bits' anchors are a large copy.
  codes = jax.lax.map(
    lambda bit: _product(bit.weights, kernels[bit.anchors]) >= 0, bits
  )
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
  values = _product(weights, rows)
  cheapest = cheapest_weight(
    rows[position], values, weights[position], prices, pairs
  )
  new_weights = weights.at[position].set(cheapest)
  new_code = _product(new_weights, rows) >= 0
  new_differ = new_code[pairs.first] != new_code[pairs.second]
  # Round-off may move a point across a threshold that is close to it.
  lower = jnp.sum(prices * new_differ) < jnp.sum(prices * differ)
  return _State(
    state.weights.at[bit].set(jnp.where(lower, new_weights, weights)),
    state.codes.at[bit].set(jnp.where(lower, new_code, code)),
    others + jnp.where(lower, new_differ, differ),
  )


def cheapest_weight(
  kernel: Float[Array, "n"],
  values: Float[Array, "n"],
  weight: Float[Array, ""],
  prices: Int32[Array, "p"],
  pairs: Pairs,
) -> Float[Array, ""]:
  """Returns the weight of one anchor at which the bit has the lowest price.

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
    The search over sorted thresholds of Kulis and Darrell, NIPS 2009.
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
