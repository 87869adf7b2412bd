"""The largest pairs of the deflated system, by three methods."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental.sparse import linalg
from jaxtyping import Bool, Float, Int

from dsth_jax.spectral import normalized_laplacian as systems

# A filter may enlarge what is wanted by so much before float32 loses the rest.
_MAX_GAIN = 2e4
_MAX_DEGREE = 1000
# The filter enlarges the vectors of S u = u, which it should not meet, more
# than any other: what rounding makes of them is taken out every so many steps.
_STEPS_BETWEEN_DEFLATIONS = 8

# Rounds without progress: rounding allows no more.
_PATIENCE = 5

_product = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


@functools.partial(jax.jit, static_argnames="max_iters")
def lobpcg(
  system: systems.System,
  start: Float[Array, "n b"],
  tol: Float[Array, ""],
  *,
  max_iters: int,
) -> tuple[Float[Array, "n b"], Int[Array, ""]]:
  """Solves by the locally optimal block method; all of the block converges.

  It is not asked for less than 1e-4: rounding keeps the worst of a block of
  float32 vectors at 2e-5 to 9e-5, where it would go on for ever. Most pairs
  are at 1e-5 by then.

  Returns:
    the vectors, best first, and the number of iterations.

  References:
    Knyazev, Toward the optimal preconditioned eigensolver, SISC 2001.
  """

  def shifted(x: Float[Array, "n c"]) -> Float[Array, "n c"]:
    # theta + 1 lies in [0, 2], where a relative tolerance makes sense.
    return systems.deflated(system, x) + x

  # The library compares with tol * 10 n (theta + ||A u||), here near 40 n.
  reachable = jnp.maximum(tol, 1e-4)
  _, vectors, iters = linalg.lobpcg_standard(
    shifted, start, max_iters, reachable / (40 * start.shape[0])
  )
  return vectors, iters


class _State(NamedTuple):
  """The Ritz pairs of a block, best first, and how the search goes.

  Attributes:
    best: the smallest seen of the worst residual wanted.
    stalled: rounds since.
    round: rounds in all.
  """

  block: Float[Array, "n b"]
  theta: Float[Array, "b"]
  residuals: Float[Array, "b"]
  best: Float[Array, ""]
  stalled: Int[Array, ""]
  round: Int[Array, ""]


@functools.partial(jax.jit, static_argnames="num_wanted")
def chebyshev(
  system: systems.System,
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

  Stops as well where rounding allows no progress.

  Returns:
    the vectors, best first, and the number of rounds.

  References:
    Zhou, Saad, Tiago and Chelikowsky, Self-consistent-field calculations using
    Chebyshev-filtered subspace iteration, J. Comput. Phys. 2006.
  """

  def unfinished(state: _State) -> Bool[Array, ""]:
    # A NaN compares false, and ends the search.
    open_ = jnp.max(state.residuals[:num_wanted]) >= tol
    return (state.round < max_iters) & (state.stalled < _PATIENCE) & open_

  def improve(state: _State) -> _State:
    theta, residuals = state.theta, state.residuals
    # Below the block even where all its values are one, as with equal cliques.
    cut = jnp.maximum(theta[-1] - residuals[-1], -0.9)
    # Of the spectrum's end, 1, nothing better is known at first.
    settled = jnp.max(residuals) < 0.1
    top = jnp.where(settled, theta[0] + residuals[0], 1.0)
    filtered = _filter(system, state.block, cut, top)
    block = _rayleigh_ritz(system, filtered)
    worst = jnp.max(block[2][:num_wanted])
    stalled = jnp.where(worst < state.best, 0, state.stalled + 1)
    best = jnp.minimum(worst, state.best)
    return _State(*block, best, stalled, state.round + 1)

  zero = jnp.zeros((), jnp.int32)
  first = _State(
    *_rayleigh_ritz(system, start), jnp.array(jnp.inf, jnp.float32), zero, zero
  )
  last = jax.lax.while_loop(unfinished, improve, first)
  return last.block, last.round


@jax.jit
def dense(system: systems.System) -> Float[Array, "n n"]:
  """Solves directly; returns all vectors, best first."""
  identity = jnp.eye(system.null.shape[0])
  # At -1 the vectors of S u = u would mix with those of a bipartite graph.
  matrix = systems.deflated(system, identity, depth=4.0)
  return jnp.linalg.eigh(matrix)[1][:, ::-1]


def _filter(
  system: systems.System,
  block: Float[Array, "n b"],
  cut: Float[Array, ""],
  top: Float[Array, ""],
) -> Float[Array, "n b"]:
  """Applies the Chebyshev polynomial that is bounded by 1 on [-1, cut].

  Its degree m is such that T_m(x) = cosh(m arccosh x) is the gain at `top`.
  """
  centre, half_width = (cut - 1) / 2, (cut + 1) / 2

  def scaled(x: Float[Array, "n b"]) -> Float[Array, "n b"]:
    return (system.matrix @ x - centre * x) / half_width

  def deflate(pair: tuple[Array, Array]) -> tuple[Array, Array]:
    first, second = pair
    without = systems.without_null
    return without(system, first), without(system, second)

  def recur(step: Array, pair: tuple[Array, Array]) -> tuple[Array, Array]:
    pair = (pair[1], 2 * scaled(pair[1]) - pair[0])
    is_due = step % _STEPS_BETWEEN_DEFLATIONS == 0
    return jax.lax.cond(is_due, deflate, lambda pair: pair, pair)

  growth = jnp.arccosh((top - centre) / half_width)
  degree = jnp.floor(jnp.arccosh(_MAX_GAIN) / growth)
  degree = jnp.clip(degree, 2, _MAX_DEGREE).astype(jnp.int32)
  return jax.lax.fori_loop(1, degree, recur, (block, scaled(block)))[1]


def _rayleigh_ritz(
  system: systems.System, block: Float[Array, "n b"]
) -> tuple[Float[Array, "n b"], Float[Array, "b"], Float[Array, "b"]]:
  """Returns the Ritz vectors, values and residuals of a block, best first."""
  block = systems.without_null(system, block)
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
  # Directions lost in rounding come back as noise; the second pass and the
  # next filter repair them.
  scales = jnp.maximum(scales, 1e-7 * scales[-1])
  return _product(block, rotation / jnp.sqrt(scales)[None, :])
