"""The largest pairs of the deflated system, by three methods."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental.sparse import linalg
from jaxtyping import Bool, Float, Int

from dsth_jax.spectral import normalized_laplacian

# A filter of larger gain loses the smaller components in float32.
_MAX_GAIN = 2e4
_MAX_DEGREE = 1000
# The filter amplifies the vectors of S u = u, which rounding introduces, more
# than any others: they are removed each time after this number of steps.
_STEPS_BETWEEN_DEFLATIONS = 8

# Rounds without progress before it stops.
_PATIENCE = 5

_product = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


@functools.partial(jax.jit, static_argnames="max_iters")
def lobpcg(
  system: normalized_laplacian.System,
  start: Float[Array, "n b"],
  tol: Float[Array, ""],
  *,
  max_iters: int,
) -> tuple[Float[Array, "n b"], Int[Array, ""]]:
  """Solves by the locally optimal block method; all of the block converges.

  The tolerance is at least 1e-4: rounding keeps the largest residual of a block
  of float32 vectors at 2e-5 to 9e-5, and it would never stop. Most residuals
  are at 1e-5 by then.

  Returns:
    the vectors, largest theta first, and the number of iterations.

  References:
    Knyazev, Toward the optimal preconditioned eigensolver, SISC 2001.
  """

  def shifted(x: Float[Array, "n c"]) -> Float[Array, "n c"]:
    # theta + 1 lies in [0, 2], where a relative tolerance makes sense.
    return normalized_laplacian.deflated(system, x) + x

  # The library compares with tol * 10 n (theta + ||A u||), here near 40 n.
  reachable = jnp.maximum(tol, 1e-4)
  _, vectors, iters = linalg.lobpcg_standard(
    shifted, start, max_iters, reachable / (40 * start.shape[0])
  )
  return vectors, iters


class _State(NamedTuple):
  """The Ritz pairs of a block, largest theta first, and the progress so far.

  Attributes:
    smallest: the smallest value so far of the largest residual wanted.
    stalled: rounds since then.
    round: rounds so far.
  """

  block: Float[Array, "n b"]
  theta: Float[Array, "b"]
  residuals: Float[Array, "b"]
  smallest: Float[Array, ""]
  stalled: Int[Array, ""]
  round: Int[Array, ""]


@functools.partial(jax.jit, static_argnames="num_wanted")
def chebyshev(
  system: normalized_laplacian.System,
  start: Float[Array, "n b"],
  tol: Float[Array, ""],
  *,
  max_iters: Int[Array, ""],
  num_wanted: int,
) -> tuple[Float[Array, "n b"], Int[Array, ""]]:
  """Solves by subspace iteration with a polynomial filter.

  Each round applies the Chebyshev polynomial of S that is at most 1 from -1 up
  to the smallest Ritz value of the block and grows fastest above, then solves
  within the block. The last vectors of the block are guards: it stops
  when the first `num_wanted` have converged.

  It also stops where rounding allows no progress.

  Returns:
    the vectors, largest theta first, and the number of rounds.

  References:
    Zhou, Saad, Tiago and Chelikowsky, Self-consistent-field calculations using
    Chebyshev-filtered subspace iteration, J. Comput. Phys. 2006.
  """

  def unfinished(state: _State) -> Bool[Array, ""]:
    # A comparison with NaN is false and ends the loop.
    is_above = jnp.max(state.residuals[:num_wanted]) >= tol
    return (state.round < max_iters) & (state.stalled < _PATIENCE) & is_above

  def improve(state: _State) -> _State:
    theta, residuals = state.theta, state.residuals
    # Below the block even where all its values are one, as with equal cliques.
    cut = jnp.maximum(theta[-1] - residuals[-1], -0.9)
    # Until the Ritz values are usable, the bound is the end of the spectrum, 1.
    is_usable = jnp.max(residuals) < 0.1
    top = jnp.where(is_usable, theta[0] + residuals[0], 1.0)
    filtered = _filter(system, state.block, cut, top)
    block = _rayleigh_ritz(system, filtered)
    largest = jnp.max(block[2][:num_wanted])
    stalled = jnp.where(largest < state.smallest, 0, state.stalled + 1)
    smallest = jnp.minimum(largest, state.smallest)
    return _State(*block, smallest, stalled, state.round + 1)

  zero = jnp.zeros((), jnp.int32)
  first = _State(
    *_rayleigh_ritz(system, start), jnp.array(jnp.inf, jnp.float32), zero, zero
  )
  last = jax.lax.while_loop(unfinished, improve, first)
  return last.block, last.round


@jax.jit
def dense(system: normalized_laplacian.System) -> Float[Array, "n n"]:
  """Solves directly; returns all vectors, largest theta first."""
  identity = jnp.eye(system.null.shape[0])
  # Moved to -1, the vectors of S u = u would mix with those of a bipartite
  # graph.
  matrix = normalized_laplacian.deflated(system, identity, depth=4.0)
  return jnp.linalg.eigh(matrix)[1][:, ::-1]


def _filter(
  system: normalized_laplacian.System,
  block: Float[Array, "n b"],
  cut: Float[Array, ""],
  top: Float[Array, ""],
) -> Float[Array, "n b"]:
  """Returns the block under the Chebyshev polynomial within 1 on [-1, cut].

  Its degree m is such that T_m(x) = cosh(m arccosh x) is the gain at `top`.
  """
  center, half_width = (cut - 1) / 2, (cut + 1) / 2

  def scaled(x: Float[Array, "n b"]) -> Float[Array, "n b"]:
    return (system.matrix @ x - center * x) / half_width

  def deflate(pair: tuple[Array, Array]) -> tuple[Array, Array]:
    first, second = pair
    without_null = normalized_laplacian.without_null
    return without_null(system, first), without_null(system, second)

  def recur(step: Array, pair: tuple[Array, Array]) -> tuple[Array, Array]:
    pair = (pair[1], 2 * scaled(pair[1]) - pair[0])
    is_due = step % _STEPS_BETWEEN_DEFLATIONS == 0
    return jax.lax.cond(is_due, deflate, lambda pair: pair, pair)

  growth = jnp.arccosh((top - center) / half_width)
  degree = jnp.floor(jnp.arccosh(_MAX_GAIN) / growth)
  degree = jnp.clip(degree, 2, _MAX_DEGREE).astype(jnp.int32)
  return jax.lax.fori_loop(1, degree, recur, (block, scaled(block)))[1]


def _rayleigh_ritz(
  system: normalized_laplacian.System, block: Float[Array, "n b"]
) -> tuple[Float[Array, "n b"], Float[Array, "b"], Float[Array, "b"]]:
  """Returns Ritz vectors, values and residuals, largest value first."""
  block = normalized_laplacian.without_null(system, block)
  basis = _orthonormalize(_orthonormalize(block))  # Twice is enough.
  image = system.matrix @ basis
  theta, rotation = jnp.linalg.eigh(_product(basis.T, image))
  theta, rotation = theta[::-1], rotation[:, ::-1]
  vectors, image = _product(basis, rotation), _product(image, rotation)
  residuals = jnp.linalg.norm(image - theta[None, :] * vectors, axis=0)
  return vectors, theta, residuals


def _orthonormalize(block: Float[Array, "n b"]) -> Float[Array, "n b"]:
  """Returns a basis of the block by the eigenvectors of its Gram matrix."""
  block /= jnp.linalg.norm(block, axis=0, keepdims=True)
  scales, rotation = jnp.linalg.eigh(_product(block.T, block))
  # Directions lost to rounding become noise; the second pass and the next
  # filter remove it.
  scales = jnp.maximum(scales, 1e-7 * scales[-1])
  return _product(block, rotation / jnp.sqrt(scales)[None, :])
