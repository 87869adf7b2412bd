"""The largest pairs of the deflated system, by three methods."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental.sparse import linalg
from jaxtyping import Bool, Float, Int

from dsth_jax.spectral import system as systems

# A filter may enlarge what is wanted by so much before float32 loses the rest.
_MAX_GAIN = 2e4
_MAX_DEGREE = 1000

_product = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


@functools.partial(jax.jit, static_argnames=("num_null", "max_iters"))
def lobpcg(
  system: systems.System,
  start: Float[Array, "n b"],
  tol: Float[Array, ""],
  *,
  num_null: int,
  max_iters: int,
) -> tuple[Float[Array, "n b"], Int[Array, ""]]:
  """Solves by the locally optimal block method; all of the block converges.

  Its sums of n float32 products leave residuals of some 1e-7 sqrt(n): asked
  for less than 5e-7 sqrt(n), 1.1e-4 at 50,000 points, it would never stop.

  Returns:
    the vectors, best first, and the number of iterations.

  References:
    Knyazev, Toward the optimal preconditioned eigensolver, SISC 2001.
  """
  num_points = start.shape[0]

  def shifted(x: Float[Array, "n c"]) -> Float[Array, "n c"]:
    # theta + 1 lies in [0, 2], where a relative tolerance makes sense.
    return systems.deflated(system, num_null, x) + x

  # The library compares with tol * 10 n (theta + ||A u||), here near 40 n.
  reachable = jnp.maximum(tol, 5e-7 * num_points**0.5)
  _, vectors, iters = linalg.lobpcg_standard(
    shifted, start, max_iters, reachable / (40 * num_points)
  )
  return vectors, iters


@functools.partial(
  jax.jit, static_argnames=("num_null", "max_iters", "num_wanted")
)
def chebyshev(
  system: systems.System,
  start: Float[Array, "n b"],
  tol: Float[Array, ""],
  *,
  num_null: int,
  max_iters: int,
  num_wanted: int,
) -> tuple[Float[Array, "n b"], Int[Array, ""]]:
  """Solves by subspace iteration with a polynomial filter.

  Each round applies the Chebyshev polynomial of S that is at most 1 between -1
  and the smallest Ritz value of the block, and grows fastest above; then
  solves within the block. The last vectors of the block are guards: it stops
  when the first `num_wanted` have converged.

  Returns:
    the vectors, best first, and the number of rounds.

  References:
    Zhou, Saad, Tiago and Chelikowsky, Self-consistent-field calculations using
    Chebyshev-filtered subspace iteration, J. Comput. Phys. 2006.
  """
  apply = functools.partial(systems.deflated, system, num_null)

  def unfinished(state: tuple) -> Bool[Array, ""]:
    round_, _, _, residuals = state
    # A NaN compares false, and ends the search.
    return (round_ < max_iters) & jnp.any(residuals[:num_wanted] >= tol)

  def improve(state: tuple) -> tuple:
    round_, block, theta, _ = state
    filtered = _filter(apply, block, theta[-1])
    return round_ + 1, *_rayleigh_ritz(apply, filtered)

  first = (jnp.zeros((), jnp.int32), *_rayleigh_ritz(apply, start))
  rounds, vectors, _, _ = jax.lax.while_loop(unfinished, improve, first)
  return vectors, rounds


@functools.partial(jax.jit, static_argnames="num_null")
def dense(system: systems.System, *, num_null: int) -> Float[Array, "n n"]:
  """Solves directly; returns all vectors, best first."""
  identity = jnp.eye(system.null.shape[0])
  # At -1 the vectors of S u = u would mix with those of a bipartite graph.
  matrix = systems.deflated(system, num_null, identity, depth=4.0)
  return jnp.linalg.eigh(matrix)[1][:, ::-1]


def _filter(
  apply: Callable[[Array], Array],
  block: Float[Array, "n b"],
  cut: Float[Array, ""],
) -> Float[Array, "n b"]:
  """Applies the Chebyshev polynomial that is bounded by 1 on [-1, cut]."""
  centre, half_width = (cut - 1) / 2, (cut + 1) / 2

  def scaled(x: Float[Array, "n b"]) -> Float[Array, "n b"]:
    return (apply(x) - centre * x) / half_width

  def recur(_: Array, pair: tuple[Array, Array]) -> tuple[Array, Array]:
    return pair[1], 2 * scaled(pair[1]) - pair[0]

  # T_m(x) = cosh(m arccosh x): the degree with which 1 grows to the gain.
  growth = jnp.arccosh((1 - centre) / half_width)
  degree = jnp.floor(jnp.arccosh(_MAX_GAIN) / growth)
  degree = jnp.clip(degree, 2, _MAX_DEGREE).astype(jnp.int32)
  return jax.lax.fori_loop(1, degree, recur, (block, scaled(block)))[1]


def _rayleigh_ritz(
  apply: Callable[[Array], Array], block: Float[Array, "n b"]
) -> tuple[Float[Array, "n b"], Float[Array, "b"], Float[Array, "b"]]:
  """Returns the Ritz vectors, values and residuals of a block, best first."""
  basis = _orthonormalize(_orthonormalize(block))  # Twice is enough.
  image = apply(basis)
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
