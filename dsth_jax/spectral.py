"""The generalized Laplacian eigenproblem of a neighbour graph (Eq. 11-12).

>>> import jax
>>> import numpy as np
>>> from dsth_jax import graph
>>> angles = np.arange(40) * 2 * np.pi / 40
>>> ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
>>> affinity = graph.affinity(graph.cosine_knn(ring, num_neighbors=2))
>>> embedding = laplacian_eigenmaps(
...   affinity, num_components=2, key=jax.random.key(0)
... )
>>> bool(np.allclose(embedding.eigenvalues, 1 - np.cos(angles[1]), atol=1e-5))
True
>>> is_converged(embedding)
True
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import threadpoolctl
from jax import Array
from jax.experimental import sparse
from jax.experimental.sparse import linalg
from jaxtyping import Float, Int, Key

from dsth_jax import graph


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


def laplacian_eigenmaps(
  affinity: graph.Affinity,
  *,
  num_components: int,
  tol: float = 1e-4,
  max_iters: int = 500,
  key: Key[Array, ""],
  solver: str = "lobpcg",
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
    tol: stop once ||S u - theta u|| is below for every pair, and for a few
      more that guard the last. The pairs asked for end up below by then; sums
      of n float32 terms allow about 6e-8 sqrt(n), 1.4e-5 at 50,000 points.
    max_iters: stop then in any case: look at the residuals.
    key: draws the first vectors.
    solver: "lobpcg", or "dense" for the direct solution, which is also taken
      where the graph is too small for LOBPCG (n <= 5 (b + 8)).

  Returns:
    `Embedding(eigenvalues[b], vectors[n b], residuals[b], num_iters)`. In each
    vector the entry of largest magnitude is positive.

  Raises:
    ValueError: the graph has fewer than b non-zero eigenvalues, or an option
      is unknown.

  References:
    Eq. 11 and 12. Knyazev, Toward the optimal preconditioned eigensolver, SISC
    2001, for LOBPCG.
  """
  linked, points = _without_isolated(affinity)
  components = graph.connected_components(linked)
  _check(num_components, len(points), components.num_components, solver)
  system = _normalize(linked, jnp.asarray(components.component))
  num_null = components.num_components
  block = num_components + _NUM_GUARDS
  if solver == "dense" or 5 * block >= len(points):
    found, num_iters = _solve_dense(system, num_null=num_null), 0
  else:
    start = jax.random.normal(key, (len(points), block))
    found, num_iters = _lobpcg(system, start, tol, num_null, max_iters)
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


class _System(NamedTuple):
  """S = D^-1/2 W D^-1/2 and its eigenvectors of eigenvalue 1.

  Attributes:
    matrix: S.
    root_degrees: D^1/2.
    null: D^1/2 1_c of every component c, each of length 1, in one vector.
    component: of every point.
  """

  matrix: sparse.BCSR
  root_degrees: Float[Array, "n"]
  null: Float[Array, "n"]
  component: Int[Array, "n"]


def _without_isolated(
  affinity: graph.Affinity,
) -> tuple[graph.Affinity, Int[np.ndarray, "linked"]]:
  """Returns the graph of the points that have an edge, and which they are."""
  linked = np.asarray(graph.degrees(affinity)) > 0
  points = np.flatnonzero(linked)
  if np.all(linked):
    return affinity, points
  return graph.from_scipy(graph.to_scipy(affinity)[points][:, points]), points


def _check(
  num_components: int, num_points: int, num_null: int, solver: str
) -> None:
  if solver not in ("lobpcg", "dense"):
    raise ValueError(f'solver is "{solver}": choose "lobpcg" or "dense".')
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


@jax.jit
def _normalize(affinity: graph.Affinity, component: Int[Array, "n"]) -> _System:
  degrees = graph.degrees(affinity)
  roots = jnp.sqrt(degrees)
  rows = _row_of_entry(affinity)
  data = affinity.data / (roots[rows] * roots[affinity.indices])
  matrix = sparse.BCSR(
    (data, affinity.indices, affinity.indptr), shape=affinity.shape
  )
  volume = jax.ops.segment_sum(degrees, component, degrees.shape[0])
  return _System(matrix, roots, roots / jnp.sqrt(volume[component]), component)


def _row_of_entry(matrix: sparse.BCSR) -> Int[Array, "e"]:
  counts = jnp.diff(matrix.indptr)
  rows = jnp.arange(matrix.shape[0])
  return jnp.repeat(rows, counts, total_repeat_length=matrix.nse)


def _deflated(
  system: _System, num_null: int, x: Float[Array, "n b"]
) -> Float[Array, "n b"]:
  """Applies S + I - 4 U U^T, where U holds the vectors of S u = u.

  The wanted pairs lie in [0, 2], where LOBPCG's relative tolerance makes sense;
  those of U go from 2 to -2, below everything.
  """
  null = system.null[:, None]
  along = jax.ops.segment_sum(null * x, system.component, num_null)
  return system.matrix @ x + x - 4 * null * along[system.component]


def _lobpcg(
  system: _System,
  start: Float[Array, "n b"],
  tol: float,
  num_null: int,
  max_iters: int,
) -> tuple[Float[Array, "n b"], int]:
  # The small dense problem of an iteration takes LAPACK 3 ms in one thread
  # and up to 200 ms in several that wait for a busy core.
  with threadpoolctl.threadpool_limits(1, user_api="blas"):
    vectors, iters = _solve_lobpcg(
      system, start, tol, num_null=num_null, max_iters=max_iters
    )
    return vectors, int(iters)


@functools.partial(jax.jit, static_argnames=("num_null", "max_iters"))
def _solve_lobpcg(
  system: _System,
  start: Float[Array, "n b"],
  tol: Float[Array, ""],
  *,
  num_null: int,
  max_iters: int,
) -> tuple[Float[Array, "n b"], Int[Array, ""]]:
  operator = functools.partial(_deflated, system, num_null)
  # LOBPCG compares with tol * 10 n (theta + ||A u||), which is near 4 here.
  relative = tol / (40 * start.shape[0])
  _, vectors, iters = linalg.lobpcg_standard(
    operator, start, max_iters, relative
  )
  return vectors, iters


@functools.partial(jax.jit, static_argnames="num_null")
def _solve_dense(system: _System, *, num_null: int) -> Float[Array, "n b"]:
  dense = _deflated(system, num_null, jnp.eye(system.null.shape[0]))
  # theta = -1 would meet U at 0 after a deflation to 0, but not at -2.
  _, vectors = jnp.linalg.eigh(dense)
  return vectors[:, ::-1]


class _Pairs(NamedTuple):
  """What `Embedding` says of a graph without isolated points."""

  eigenvalues: Float[Array, "b"]
  vectors: Float[Array, "n b"]
  residuals: Float[Array, "b"]


@jax.jit
def _finish(
  system: _System, affinity: graph.Affinity, found: Float[Array, "n b"]
) -> _Pairs:
  """Returns lambda, v and the residuals, ascending."""
  degrees = system.root_degrees[:, None] ** 2
  vectors = found / system.root_degrees[:, None]
  values = _dirichlet_energies(affinity, vectors)
  order = jnp.argsort(values)
  values, vectors = values[order], vectors[:, order]
  largest = jnp.argmax(jnp.abs(vectors), axis=0)[None, :]
  vectors *= jnp.sign(jnp.take_along_axis(vectors, largest, axis=0))
  laplacian = degrees * vectors - affinity @ vectors
  residuals = laplacian - values[None, :] * degrees * vectors
  return _Pairs(values, vectors, jnp.linalg.norm(residuals, axis=0))


def _dirichlet_energies(
  affinity: graph.Affinity, vectors: Float[Array, "n b"]
) -> Float[Array, "b"]:
  """Returns v^T L v = 1/2 sum_ij W_ij (v_i - v_j)^2 of every column.

  The differences keep the digits of small eigenvalues that 1 - theta loses.
  """
  rows, columns = _row_of_entry(affinity), affinity.indices

  def energy(vector: Float[Array, "n"]) -> Float[Array, ""]:
    return jnp.sum(affinity.data * (vector[rows] - vector[columns]) ** 2) / 2

  return jax.lax.map(energy, vectors.T)
