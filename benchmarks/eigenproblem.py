"""The generalized Laplacian eigenproblem against SciPy's eigsh.

    python -m benchmarks.eigenproblem --num_points=50000 --num_components=48

On three graphs: connected, nearly disconnected, and of separate clusters.
`--growth` measures larger connected graphs, dsth_jax only.
"""

import itertools
from collections.abc import Callable, Iterator

import jax
import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from absl import flags

from benchmarks import command, timing
from dsth_jax import graph, spectral

_POINTS = flags.DEFINE_integer("num_points", 50_000, "Points.")
_COMPONENTS = flags.DEFINE_integer("num_components", 48, "Pairs.")
_TOL = flags.DEFINE_float("tol", 1e-6, "Residual to reach.")
_REPEATS = flags.DEFINE_integer("repeats", 2, "Repetitions.")
_GROWTH = flags.DEFINE_list("growth", [], "Sizes, dsth_jax only.")


def measure() -> Iterator[timing.Row]:
  """Yields a row a method and graph, then one a size of the growth."""
  for name, make in _GRAPHS.items():
    yield from _against_eigsh(name, make(_POINTS.value))
  sizes = [int(size) for size in _GROWTH.value]
  method = f"dsth_jax, {_COMPONENTS.value} pairs"
  yield from timing.growth(method, sizes, _prepare)


def _mixture(num_points: int, spread: float) -> graph.Affinity:
  """The neighbor graph of a mixture of 50 Gaussians in 16 dimensions."""
  rng = np.random.default_rng(0)
  centers = spread * rng.standard_normal((50, 16), np.float32)
  points = centers[rng.integers(0, 50, num_points)]
  points = points + rng.standard_normal(points.shape, np.float32)
  return graph.affinity(graph.cosine_knn(points, num_neighbors=12))


def _connected(num_points: int) -> graph.Affinity:
  return _mixture(num_points, 0.7)


def _nearly_disconnected(num_points: int) -> graph.Affinity:
  """Separate clusters, joined by one edge to the next of weight 1e-4."""
  affinity = graph.to_scipy(_clusters(num_points)).tolil()
  components = graph.connected_components(graph.from_scipy(affinity.tocsr()))
  _, firsts = np.unique(np.asarray(components.component), return_index=True)
  for left, right in itertools.pairwise(firsts):
    affinity[left, right] = affinity[right, left] = 1e-4
  return graph.from_scipy(affinity.tocsr())


def _clusters(num_points: int) -> graph.Affinity:
  return _mixture(num_points, 4.0)


_GRAPHS = {
  "connected": _connected,
  "nearly disconnected": _nearly_disconnected,
  "separate clusters": _clusters,
}


def _against_eigsh(name: str, affinity: graph.Affinity) -> Iterator[timing.Row]:
  count = _COMPONENTS.value
  matrix, null_vectors = _normalized(affinity)
  null = null_vectors.shape[1]
  found = {}

  def ours(solver: str) -> None:
    embedding = spectral.laplacian_eigenmaps(
      affinity,
      num_components=count,
      tol=_TOL.value,
      key=jax.random.key(0),
      solver=solver,
    )
    # v = D^-1/2 u.
    roots = np.sqrt(np.asarray(graph.degrees(affinity)))[:, None]
    found[f"dsth_jax, {solver}"] = np.asarray(embedding.vectors) * roots

  def peer(dtype: type) -> None:
    # eigsh silently misses some vectors of a multiple eigenvalue: those of
    # eigenvalue zero are removed for it, as dsth_jax does.
    known, weights = null_vectors.astype(dtype), matrix.astype(dtype)
    operator = scipy.sparse.linalg.LinearOperator(
      matrix.shape,
      matvec=lambda x: weights @ x - 2 * (known @ (known.T @ x)),
      dtype=dtype,
    )
    _, vectors = scipy.sparse.linalg.eigsh(operator, count, which="LA")
    found[f"scipy eigsh, {np.dtype(dtype).name}"] = vectors

  calls = {
    "dsth_jax, chebyshev": lambda: ours("chebyshev"),
    "scipy eigsh, float64": lambda: peer(np.float64),
    "scipy eigsh, float32": lambda: peer(np.float32),
    "dsth_jax, lobpcg": lambda: ours("lobpcg"),
  }
  times = timing.in_turn(calls, repeats=_REPEATS.value)
  reference = found["scipy eigsh, float64"]
  for method, seconds in times.items():
    residual, values = _residual(matrix, found[method])
    _, exact = _residual(matrix, reference)
    error = np.max(np.abs(np.sort(values) - np.sort(exact)))
    yield timing.Row(
      f"{affinity.shape[0]:,} points, {count} pairs, {name} "
      f"({null} components)",
      method,
      seconds,
      quality=f"residual {residual:.0e}, eigenvalues within {error:.0e}",
    )


def _normalized(
  affinity: graph.Affinity,
) -> tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]:
  """Returns S, and unit vectors of S u = u, one a component."""
  weights = graph.to_scipy(affinity).astype(np.float64)
  degrees = np.asarray(weights.sum(1)).ravel()
  scaling = scipy.sparse.diags(1 / np.sqrt(degrees))
  component = np.asarray(graph.connected_components(affinity).component)
  volumes = np.bincount(component, degrees)
  values = np.sqrt(degrees / volumes[component])
  null_vectors = scipy.sparse.csr_matrix(
    (values, (np.arange(len(degrees)), component))
  )
  return (scaling @ weights @ scaling).tocsr(), null_vectors


def _residual(
  matrix: scipy.sparse.csr_matrix, vectors: np.ndarray
) -> tuple[float, np.ndarray]:
  """The worst ||S u - theta u|| of unit vectors, in float64, and all theta."""
  u = vectors.astype(np.float64)
  u /= np.linalg.norm(u, axis=0)
  image = matrix @ u
  theta = np.sum(u * image, axis=0)
  return float(np.linalg.norm(image - u * theta, axis=0).max()), theta


def _prepare(
  num_points: int,
) -> tuple[
  Callable[[], spectral.Embedding], Callable[[spectral.Embedding], str]
]:
  affinity = _connected(num_points)

  def solve() -> spectral.Embedding:
    embedding = spectral.laplacian_eigenmaps(
      affinity,
      num_components=_COMPONENTS.value,
      key=jax.random.key(0),
    )
    return jax.block_until_ready(embedding)

  return solve, lambda found: f"residual {float(found.residuals.max()):.0e}"


if __name__ == "__main__":
  command.run(measure)
