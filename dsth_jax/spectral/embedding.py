"""Laplacian eigenmaps: the embedding whose bits cut the graph."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.csgraph
import threadpoolctl
from jax import Array
from jaxtyping import Float, Int, Key

from dsth_jax import graph
from dsth_jax.spectral import solvers
from dsth_jax.spectral import system as systems


class Embedding(NamedTuple):
  """The smallest non-zero pairs of L v = lambda D v (Eq. 12), ascending.

  Attributes:
    eigenvalues: in (0, 2].
    vectors: D-orthonormal columns; the rows of isolated points are 0.
    residuals: ||L v - lambda D v|| of each pair. The vectors have length 1 in
      the norm of D, so that it grows as the square root of the degrees.
    num_iters: iterations of the solver; 0 if the solution was direct.
  """

  eigenvalues: Float[Array, "b"]
  vectors: Float[Array, "n b"]
  residuals: Float[Array, "b"]
  num_iters: int


# Vectors beyond those asked for: the last pairs converge as fast as their
# distance to the first vector outside the block.
_NUM_GUARDS = 8

SOLVERS = ("auto", "lobpcg", "chebyshev", "dense")

# Up to so many points the direct solution, 1.0 s for 2,000, is there before
# the others are compiled, in 1.2 to 2.6 s; for 4,000 it takes 4 to 6 s.
_DENSE_POINTS = 2000


def laplacian_eigenmaps(
  affinity: graph.Affinity,
  *,
  num_components: int,
  tol: float = 1e-5,
  max_iters: int = 500,
  key: Key[Array, ""],
  solver: str = "auto",
) -> Embedding:
  """Solves the relaxed minimum cut of the graph.

      min tr(Y^T L Y)   with   Y^T D Y = I,  Y^T D 1 = 0,  L = D - W

  through the largest pairs of S u = theta u, S = D^-1/2 W D^-1/2; then
  v = D^-1/2 u and lambda = 1 - theta. All vectors of eigenvalue zero are left
  out, one for each connected component.

  Args:
    affinity: W. Isolated points (degree 0) have no equation; they are put at
      the origin.
    num_components: b, the number of pairs.
    tol: stop once ||S u - theta u|| is below for every pair. "lobpcg" stops
      at 1e-4 at the latest, with 1e-5 to 5e-5 reached; "chebyshev" reaches
      1e-6 to 5e-6.
    max_iters: stop then in any case: look at the residuals.
    key: draws the first vectors.
    solver: "dense", direct; "chebyshev", a polynomial filter; "lobpcg", two to
      ten times slower than it; or "auto", which is dense up to 2,000 points
      and chebyshev beyond. "dense" is also taken where the graph is too small
      for the others (n <= 5 (b + 8)).

  Returns:
    `Embedding(eigenvalues[b], vectors[n b], residuals[b], num_iters)`. In each
    vector the entry of largest magnitude is positive.

  Raises:
    ValueError: the graph has fewer than b non-zero eigenvalues, or an option
      is unknown.

  References:
    Eq. 11 and 12.
  """
  linked, points = _in_order(affinity)
  components = graph.connected_components(linked)
  _check(num_components, len(points), components.num_components, solver)
  system = systems.system_of(linked, components.component)
  found, num_iters = _solve(system, num_components, tol, max_iters, key, solver)
  pairs = _finish(system, linked, found[:, :num_components])
  everywhere = jnp.zeros((affinity.shape[0], num_components))
  vectors = everywhere.at[points].set(pairs.vectors)
  return Embedding(pairs.eigenvalues, vectors, pairs.residuals, num_iters)


def is_converged(embedding: Embedding, max_residual: float = 1e-3) -> bool:
  """Tells whether every pair solves the eigenproblem.

  Args:
    embedding: of `laplacian_eigenmaps`.
    max_residual: of ||L v - lambda D v||. An eigenvalue is off by no more than
      the residual over the root of the smallest degree.
  """
  # A NaN is not below anything.
  return bool(jnp.all(embedding.residuals <= max_residual))


def _in_order(
  affinity: graph.Affinity,
) -> tuple[graph.Affinity, Int[np.ndarray, "linked"]]:
  """Returns the graph of the points that have an edge, and which they are.

  Neighbours stand close together, so that products find them in the cache:
  1.3 to 2.4 times as fast at 50,000 points as in the order of the features.
  """
  matrix = graph.to_scipy(affinity)
  order = scipy.sparse.csgraph.reverse_cuthill_mckee(
    matrix, symmetric_mode=True
  )
  points = order[np.asarray(graph.degrees(affinity))[order] > 0]
  return graph.from_scipy(matrix[points][:, points]), points


def _check(
  num_components: int, num_points: int, num_null: int, solver: str
) -> None:
  if solver not in SOLVERS:
    names = ", ".join(f'"{name}"' for name in SOLVERS)
    raise ValueError(f'solver is "{solver}": choose one of {names}.')
  if num_components < 1:
    raise ValueError(
      f"num_components is {num_components}: ask for at least 1 eigenvector."
    )
  if num_points - num_null < num_components:
    raise ValueError(
      f"num_components is {num_components}, but a graph of {num_points} linked "
      f"points in {num_null} components has {num_points - num_null} non-zero "
      "eigenvalues: add points or ask for fewer eigenvectors."
    )


def _solve(
  system: systems.System,
  num_components: int,
  tol: float,
  max_iters: int,
  key: Key[Array, ""],
  solver: str,
) -> tuple[Float[Array, "n all"], int]:
  """Returns the best vectors of S, more than asked for, and iterations."""
  num_points, block = system.null.shape[0], num_components + _NUM_GUARDS
  if solver == "auto":
    solver = "dense" if num_points <= _DENSE_POINTS else "chebyshev"
  if solver == "dense" or 5 * block >= num_points:
    return solvers.dense(system), 0
  start = jax.random.normal(key, (num_points, block))
  # The small dense problems of an iteration take LAPACK 3 ms in one thread,
  # and up to 200 ms in several that wait for a busy core.
  with threadpoolctl.threadpool_limits(1, user_api="blas"):
    if solver == "lobpcg":
      found, iters = solvers.lobpcg(system, start, tol, max_iters=max_iters)
    else:
      found, iters = solvers.chebyshev(
        system, start, tol, max_iters=max_iters, num_wanted=num_components
      )
    return found, int(iters)


class _Pairs(NamedTuple):
  """What `Embedding` says of a graph without isolated points."""

  eigenvalues: Float[Array, "b"]
  vectors: Float[Array, "n b"]
  residuals: Float[Array, "b"]


@jax.jit
def _finish(
  system: systems.System, affinity: graph.Affinity, found: Float[Array, "n b"]
) -> _Pairs:
  """Returns lambda, v and the residuals, ascending."""
  degrees = system.root_degrees[:, None] ** 2
  vectors = found / system.root_degrees[:, None]
  energies = _dirichlet_energies(affinity, system.row, vectors)
  # top_k compiles ten times faster than argsort.
  negated, order = jax.lax.top_k(-energies, energies.shape[0])
  values, vectors = -negated, vectors[:, order]
  largest = jnp.argmax(jnp.abs(vectors), axis=0)[None, :]
  vectors *= jnp.sign(jnp.take_along_axis(vectors, largest, axis=0))
  laplacian = degrees * vectors - affinity @ vectors
  residuals = laplacian - values[None, :] * degrees * vectors
  return _Pairs(values, vectors, jnp.linalg.norm(residuals, axis=0))


def _dirichlet_energies(
  affinity: graph.Affinity,
  row: Int[Array, "e"],
  vectors: Float[Array, "n b"],
) -> Float[Array, "b"]:
  """Returns v^T L v = 1/2 sum_ij W_ij (v_i - v_j)^2 of every column.

  The differences keep the digits of small eigenvalues that 1 - theta loses.
  """

  def energy(vector: Float[Array, "n"]) -> Float[Array, ""]:
    differences = vector[row] - vector[affinity.indices]
    return jnp.sum(affinity.data * differences**2) / 2

  return jax.lax.map(energy, vectors.T)
