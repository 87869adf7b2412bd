"""Laplacian eigenmaps: the embedding that is thresholded into hash labels."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.csgraph
import threadpoolctl
from jax import Array
from jax.experimental import sparse
from jaxtyping import Float, Int, Key

from dsth_jax import graph
from dsth_jax.runtime import sharding
from dsth_jax.spectral import normalized_laplacian, sharded, solvers


class Embedding(NamedTuple):
  """The smallest non-zero pairs of L v = lambda D v (Eq. 12), ascending.

  Attributes:
    eigenvalues: in (0, 2].
    vectors: D-orthonormal columns; the rows of isolated points are 0.
    residuals: ||L v - lambda D v|| of each pair; as v has length 1 in the norm
      of D, it grows as the square root of the degrees.
    num_iters: iterations of the solver; 0 if the solution was direct.
  """

  eigenvalues: Float[Array, "b"]
  vectors: Float[Array, "n b"]
  residuals: Float[Array, "b"]
  num_iters: int


# Additional vectors: the last pairs converge as fast as their distance to the
# first vector outside the block.
_NUM_GUARDS = 8

SOLVERS = ("auto", "lobpcg", "chebyshev", "dense")

# Up to this number of points the direct solution (1.0 s for 2,000) is faster
# than compiling the others (1.2 to 2.6 s); for 4,000 it takes 4 to 6 s.
_MAX_DENSE_POINTS = 2000


def laplacian_eigenmaps(
  affinity: graph.Affinity,
  *,
  num_components: int,
  tol: float = 1e-5,
  max_iters: int = 500,
  key: Key[Array, ""],
  solver: str = "auto",
  mesh: jax.sharding.Mesh | None = None,
) -> Embedding:
  """Solves the relaxed minimum cut of the graph.

      min tr(Y^T L Y)   with   Y^T D Y = I,  Y^T D 1 = 0,  L = D - W

  through the largest pairs of S u = theta u, S = D^-1/2 W D^-1/2; then
  v = D^-1/2 u and lambda = 1 - theta. All vectors of eigenvalue zero are left
  out, one for each connected component.

  Args:
    affinity: W. Isolated points (degree 0) have no equation; their rows are 0.
    num_components: b, the number of pairs.
    tol: stop once ||S u - theta u|| is below for every pair. "lobpcg" stops
      at 1e-4 at the latest, and then has 1e-5 to 5e-5; "chebyshev" reaches
      1e-6 to 5e-6.
    max_iters: stop then in any case; the residuals show it.
    key: draws the initial vectors.
    solver: "dense", direct; "chebyshev", a polynomial filter; "lobpcg", two to
      ten times slower than it; or "auto", which is dense up to 2,000 points
      and chebyshev beyond. "dense" is also taken where the graph is too small
      for the others (n <= 5 (b + 8)).
    mesh: of `sharding.make_mesh`: the rows of S and of the vectors are split
      over its devices, unless the solution is direct. None, or a mesh of one
      device, is the default device.

  Returns:
    `Embedding(eigenvalues[b], vectors[n b], residuals[b], num_iters)`. In each
    vector the entry of largest magnitude is positive.

  Raises:
    ValueError: the graph has fewer than b non-zero eigenvalues, or an option
      is unknown.

  References:
    Eq. 11 and 12.
  """
  linked, points = linked_points(affinity)
  components = graph.connected_components(linked)
  _check(num_components, len(points), components.num_components, solver)
  system = normalized_laplacian.make_system(linked, components.component)
  solver = _choose(solver, len(points), num_components)
  weights: sparse.BCSR | sharded.SplitMatrix = linked
  if mesh is not None and mesh.size > 1 and solver != "dense":
    system = normalized_laplacian.split(system, mesh)
    weights = sharded.split(graph.to_scipy(linked), mesh)
  else:
    mesh = None
  if solver == "dense":
    found, num_iters = solvers.dense(system), 0
  else:
    start = initial_vectors(
      key, system, len(points), num_components=num_components, mesh=mesh
    )
    found, num_iters = _iterate(
      system, start, num_components, tol, max_iters, solver
    )
  pairs = _finish(
    system.root_degrees, weights, found, num_components=num_components
  )
  values, vectors, residuals = (sharding.to_host(part) for part in pairs)
  all_points = jnp.zeros((affinity.shape[0], num_components))
  return Embedding(
    jnp.asarray(values),
    all_points.at[points].set(vectors[: len(points)]),
    jnp.asarray(residuals),
    num_iters,
  )


def is_converged(embedding: Embedding, max_residual: float = 1e-3) -> bool:
  """Returns whether every pair solves the eigenproblem.

  Args:
    embedding: of `laplacian_eigenmaps`.
    max_residual: of ||L v - lambda D v||. An eigenvalue is off by no more than
      the residual over the root of the smallest degree.
  """
  # A comparison with NaN is false.
  return bool(jnp.all(embedding.residuals <= max_residual))


def linked_points(
  affinity: graph.Affinity,
) -> tuple[graph.Affinity, Int[np.ndarray, "linked"]]:
  """Returns the graph of the points that have an edge, and their indices.

  The points are reordered so that neighbors are close in memory: products are
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
    raise ValueError(f"num_components is {num_components}: pass at least 1.")
  if num_points - num_null < num_components:
    raise ValueError(
      f"num_components is {num_components}, but a graph of {num_points} linked "
      f"points in {num_null} components has {num_points - num_null} non-zero "
      "eigenvalues: add points or lower num_components."
    )


def _choose(solver: str, num_points: int, num_components: int) -> str:
  """Returns the solver to use."""
  if solver == "auto":
    solver = "dense" if num_points <= _MAX_DENSE_POINTS else "chebyshev"
  is_small = num_points <= 5 * (num_components + _NUM_GUARDS)
  return "dense" if is_small else solver


def initial_vectors(
  key: Key[Array, ""],
  system: normalized_laplacian.System,
  num_points: int,
  *,
  num_components: int,
  mesh: jax.sharding.Mesh | None,
) -> Float[Array, "n block"]:
  """Returns random vectors, split as the system is, and zero in its padding.

  They do not depend on the number of devices.
  """
  padding = ((0, system.null.shape[0] - num_points), (0, 0))
  shape = (num_points, num_components + _NUM_GUARDS)

  def draw(key: Key[Array, ""]) -> Float[Array, "n block"]:
    return jnp.pad(jax.random.normal(key, shape), padding)

  if mesh is None:
    return draw(key)
  rows = sharding.shard_rows(mesh)
  return jax.jit(draw, out_shardings=rows)(sharding.place_whole(mesh, key))


def _iterate(
  system: normalized_laplacian.System,
  start: Float[Array, "n block"],
  num_components: int,
  tol: float,
  max_iters: int,
  solver: str,
) -> tuple[Float[Array, "n all"], int]:
  """Returns the top vectors of S, guards included, and the iterations."""
  # The small dense problems of an iteration take LAPACK 3 ms in one thread,
  # and up to 200 ms in several threads that wait for a busy core.
  with threadpoolctl.threadpool_limits(1, user_api="blas"):
    if solver == "lobpcg":
      found, iters = solvers.lobpcg(system, start, tol, max_iters=max_iters)
    else:
      found, iters = solvers.chebyshev(
        system, start, tol, max_iters=max_iters, num_wanted=num_components
      )
    return found, int(iters)


class _Pairs(NamedTuple):
  """The arrays of `Embedding` for a graph without isolated points."""

  eigenvalues: Float[Array, "b"]
  vectors: Float[Array, "n b"]
  residuals: Float[Array, "b"]


@functools.partial(jax.jit, static_argnames="num_components")
def _finish(
  root_degrees: Float[Array, "n"],
  affinity: sparse.BCSR | sharded.SplitMatrix,
  found: Float[Array, "n all"],
  *,
  num_components: int,
) -> _Pairs:
  """Returns lambda, v and the residuals, ascending."""
  degrees = root_degrees[:, None] ** 2
  vectors = found[:, :num_components] / root_degrees[:, None]
  energies = sharded.energies(affinity, vectors)
  # top_k compiles ten times faster than argsort.
  negated, order = jax.lax.top_k(-energies, num_components)
  values, vectors = -negated, vectors[:, order]
  is_positive = jnp.max(vectors, axis=0) >= -jnp.min(vectors, axis=0)
  vectors *= jnp.where(is_positive, 1.0, -1.0)[None, :]
  laplacian = degrees * vectors - affinity @ vectors
  residuals = laplacian - values[None, :] * degrees * vectors
  return _Pairs(values, vectors, jnp.linalg.norm(residuals, axis=0))
