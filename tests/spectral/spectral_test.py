"""The eigenproblem on graphs of known spectrum and against SciPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

from dsth_jax import graph, spectral
from dsth_jax.spectral import eigenmaps, solvers

# Where the residual of the symmetric problem is r, an eigenvalue is off by at
# most r: LOBPCG stops at 1e-4. The direct solution is right to a few float32
# roundings of numbers up to 4.
ITERATIVE = 1e-4
DIRECT = 5e-6

# Each shape of graph compiles for some seconds: by default there are few.
slow = pytest.mark.slow


def solve(affinity, num_components, **options):
  options.setdefault("key", jax.random.key(0))
  options.setdefault("solver", "lobpcg")
  return spectral.laplacian_eigenmaps(
    affinity, num_components=num_components, **options
  )


def ring(num_points):
  shift = scipy.sparse.eye(num_points, format="csr")
  shift = shift[np.roll(np.arange(num_points), 1)]
  return (shift + shift.T).tocsr()


def path(num_points):
  return scipy.sparse.diags(
    [1.0, 1.0], [-1, 1], shape=(num_points, num_points), format="csr"
  )


def torus(length, width):
  sides = scipy.sparse.eye(length), scipy.sparse.eye(width)
  return (
    scipy.sparse.kron(ring(length), sides[1])
    + scipy.sparse.kron(sides[0], ring(width))
  ).tocsr()


def cliques(num_cliques, size):
  clique = np.ones((size, size)) - np.eye(size)
  return scipy.sparse.block_diag([clique] * num_cliques, format="csr")


@functools.cache
def features_graph(num_points, num_clusters, seed=0, num_neighbors=8):
  """A neighbor graph of clustered features, much as real ones make it."""
  rng = np.random.default_rng(seed)
  centers = rng.normal(size=(num_clusters, 10))
  features = np.repeat(centers, num_points // num_clusters, axis=0)
  features = features + 0.7 * rng.normal(size=features.shape)
  return graph.affinity(graph.cosine_knn(features, num_neighbors=num_neighbors))


def reference(affinity):
  """Returns all eigenvalues and vectors of L v = lambda D v in float64."""
  weights = graph.to_scipy(affinity).toarray().astype(np.float64)
  degrees = np.diag(weights.sum(axis=1))
  return scipy.linalg.eigh(degrees - weights, degrees)


def largest_angle(affinity, left, right):
  """Returns the largest principal angle in the inner product of D."""
  roots = np.sqrt(np.asarray(graph.degrees(affinity), np.float64))[:, None]
  pair = (np.asarray(side, np.float64) * roots for side in (left, right))
  return np.max(scipy.linalg.subspace_angles(*pair))


def assert_is_solution(affinity, embedding, atol):
  """Asserts what defines an embedding, in float64."""
  weights = graph.to_scipy(affinity).astype(np.float64)
  degrees = np.asarray(weights.sum(axis=1))
  vectors = np.asarray(embedding.vectors, np.float64)
  values = np.asarray(embedding.eigenvalues, np.float64)
  gram = vectors.T @ (degrees * vectors)
  np.testing.assert_allclose(gram, np.eye(len(values)), atol=atol)
  # Orthogonal to the constant vector, the one of eigenvalue zero.
  means = (degrees.T @ vectors)[0] / np.sqrt(degrees.sum())
  np.testing.assert_allclose(means, 0, atol=atol)
  residuals = degrees * vectors - weights @ vectors
  residuals = residuals - values * degrees * vectors
  residuals = np.linalg.norm(residuals, axis=0)
  # Rounding in float32 moves a residual by some 1e-7 of sqrt(degree).
  np.testing.assert_allclose(embedding.residuals, residuals, atol=5e-6)
  assert np.max(residuals) < atol * np.sqrt(np.max(degrees))
  assert np.all(np.diff(values) >= 0)
  assert np.all((values > 0) & (values < 2 + DIRECT))


class TestKnownSpectra:
  """1 - cos of the frequencies, and n / (n - 1) for a clique."""

  @pytest.mark.parametrize(
    ("num_points", "solver"),
    [
      (30, "lobpcg"),
      pytest.param(120, "lobpcg", marks=slow),
      pytest.param(120, "chebyshev", marks=slow),
    ],
  )
  def test_ring(self, num_points, solver):
    embedding = solve(graph.from_scipy(ring(num_points)), 6, solver=solver)
    expected = 1 - np.cos(2 * np.pi * np.array([1, 1, 2, 2, 3, 3]) / num_points)
    np.testing.assert_allclose(embedding.eigenvalues, expected, atol=ITERATIVE)
    # Where the iterations have no room, the solution is direct.
    assert (embedding.num_iters == 0) == (num_points == 30)

  def test_path(self):
    affinity = graph.from_scipy(path(30))
    embedding = solve(affinity, 5)
    expected = 1 - np.cos(np.pi * np.arange(1, 6) / 29)
    np.testing.assert_allclose(embedding.eigenvalues, expected, atol=DIRECT)
    assert_is_solution(affinity, embedding, DIRECT)

  @pytest.mark.parametrize(
    "solver", [pytest.param("lobpcg", marks=slow), "chebyshev"]
  )
  def test_torus(self, solver):
    affinity = graph.from_scipy(torus(15, 13))
    frequencies = np.add.outer(
      np.cos(2 * np.pi * np.arange(15) / 15),
      np.cos(2 * np.pi * np.arange(13) / 13),
    )
    expected = np.sort(1 - frequencies.ravel() / 2)[1:13]
    embedding = solve(affinity, 12, solver=solver)
    np.testing.assert_allclose(embedding.eigenvalues, expected, atol=ITERATIVE)
    assert_is_solution(affinity, embedding, ITERATIVE)

  @pytest.mark.parametrize(
    ("num_cliques", "solver"),
    [
      (4, "dense"),
      pytest.param(20, "lobpcg", marks=slow),
      (20, "chebyshev"),
    ],
  )
  def test_cliques_have_no_zero_left(self, num_cliques, solver):
    affinity = graph.from_scipy(cliques(num_cliques, 6))
    embedding = solve(affinity, 5, solver=solver)
    np.testing.assert_allclose(embedding.eigenvalues, 6 / 5, atol=ITERATIVE)
    # Orthogonal to the indicator of every clique.
    sums = np.asarray(embedding.vectors).reshape(num_cliques, 6, 5).sum(axis=1)
    np.testing.assert_allclose(sums, 0, atol=ITERATIVE)

  def test_bipartite_graph_to_its_last_pair(self):
    half = np.ones((5, 5))
    weights = np.block([[0 * half, half], [half, 0 * half]])
    affinity = graph.from_scipy(scipy.sparse.csr_matrix(weights))
    embedding = solve(affinity, 9)
    np.testing.assert_allclose(
      embedding.eigenvalues, [1.0] * 8 + [2.0], atol=DIRECT
    )
    assert_is_solution(affinity, embedding, DIRECT)


class TestAgainstScipy:
  @pytest.mark.parametrize("solver", spectral.SOLVERS)
  def test_equals_dense_eigh(self, solver):
    affinity = features_graph(400, 8)
    values, vectors = reference(affinity)
    # Seven pairs tell eight clusters apart; then there is a gap.
    gap = values[8] - values[7]
    assert gap > 0.03
    embedding = solve(affinity, 7, solver=solver)
    atol = ITERATIVE if solver != "dense" else DIRECT
    np.testing.assert_allclose(embedding.eigenvalues, values[1:8], atol=atol)
    # An angle is at most the residual over the gap (Davis and Kahan).
    angle = largest_angle(affinity, embedding.vectors, vectors[:, 1:8])
    assert angle < np.sqrt(7) * atol / gap
    assert_is_solution(affinity, embedding, atol)

  def test_equals_eigsh(self):
    affinity = features_graph(400, 8)
    embedding = solve(affinity, 7)
    weights = graph.to_scipy(affinity).astype(np.float64)
    roots = np.sqrt(np.asarray(weights.sum(axis=1)))[:, 0]
    scale = scipy.sparse.diags(1 / roots)
    theta, vectors = scipy.sparse.linalg.eigsh(
      scale @ weights @ scale, k=9, which="LA", v0=np.ones(400)
    )
    order = np.argsort(-theta)
    values = 1 - theta[order]
    vectors = (vectors / roots[:, None])[:, order]
    np.testing.assert_allclose(
      embedding.eigenvalues, values[1:8], atol=ITERATIVE
    )
    angle = largest_angle(affinity, embedding.vectors, vectors[:, 1:8])
    assert angle < np.sqrt(7) * ITERATIVE / (values[8] - values[7])


class TestGraphsThatFallApart:
  def parts(self, seed=0):
    graphs = [graph.to_scipy(features_graph(120, 3, s)) for s in range(3)]
    isolated = scipy.sparse.csr_matrix((5, 5))
    whole = scipy.sparse.block_diag([*graphs[:2], isolated, graphs[2]])
    order = np.random.default_rng(seed).permutation(365)
    return graphs, whole.tocsr()[order][:, order], order

  @pytest.mark.parametrize("solver", spectral.SOLVERS)
  def test_eigenvalues_are_those_of_the_parts(self, solver):
    graphs, whole, _ = self.parts()
    affinity = graph.from_scipy(whole)
    assert graph.connected_components(affinity).num_components == 9
    embedding = solve(affinity, 10, solver=solver)
    expected = np.concatenate(
      [reference(graph.from_scipy(part))[0] for part in graphs]
    )
    # One of the three graphs is itself in two parts.
    expected = expected[expected > DIRECT]
    assert len(expected) == 360 - 4
    np.testing.assert_allclose(
      embedding.eigenvalues, np.sort(expected)[:10], atol=ITERATIVE
    )

  def test_isolated_points_are_at_the_origin(self):
    _, whole, order = self.parts()
    affinity = graph.from_scipy(whole)
    embedding = solve(affinity, 10)
    isolated = (order >= 240) & (order < 245)
    vectors = np.asarray(embedding.vectors)
    np.testing.assert_array_equal(vectors[isolated], 0)
    assert np.all(np.isfinite(vectors))
    assert_is_solution(affinity, embedding, ITERATIVE)

  def test_nearly_disconnected_graph(self):
    """The smallest eigenvalue keeps its digits far below float32 of 1."""
    weights = scipy.sparse.block_diag([ring(80)] * 2).tolil()
    weights[0, 80] = weights[80, 0] = 1e-6
    affinity = graph.from_scipy(weights.tocsr())
    embedding = solve(affinity, 3, solver="chebyshev")
    values, vectors = reference(affinity)
    assert values[1] < 1e-7
    # The vector is off by the residual, 5e-6, over the gap 3e-3 to the next:
    # its energy by the square of the residual over that gap.
    np.testing.assert_allclose(
      embedding.eigenvalues[0], values[1], atol=(5e-6) ** 2 / values[2]
    )
    angle = largest_angle(affinity, embedding.vectors[:, :1], vectors[:, 1:2])
    assert angle < 5e-6 / values[2]


class TestEmbedding:
  def test_permutation_equivariant_up_to_rotation(self):
    affinity = features_graph(400, 8)
    order = np.random.default_rng(0).permutation(400)
    weights = graph.to_scipy(affinity)[order][:, order]
    shuffled = solve(graph.from_scipy(weights), 7)
    plain = solve(affinity, 7)
    np.testing.assert_allclose(
      shuffled.eigenvalues, plain.eigenvalues, atol=ITERATIVE
    )
    back = np.empty_like(shuffled.vectors)
    back[order] = shuffled.vectors
    assert largest_angle(affinity, plain.vectors, back) < 1e-2

  def test_invariant_to_the_scale_of_the_weights(self):
    affinity = features_graph(400, 8)
    scaled = graph.from_scipy(1000 * graph.to_scipy(affinity))
    plain, other = solve(affinity, 7), solve(scaled, 7)
    np.testing.assert_allclose(
      plain.eigenvalues, other.eigenvalues, atol=ITERATIVE
    )
    # v^T D v = 1: the vectors shrink by the root of the scale.
    vectors = np.asarray(other.vectors) * np.sqrt(1000)
    assert largest_angle(affinity, plain.vectors, vectors) < 1e-2

  def test_repeatable(self):
    affinity = features_graph(400, 8)
    np.testing.assert_array_equal(
      solve(affinity, 7).vectors, solve(affinity, 7).vectors
    )

  def test_sign_does_not_depend_on_the_key(self):
    affinity = features_graph(400, 8)
    # Single vectors are defined where eigenvalues lie apart.
    apart = np.min(np.diff(reference(affinity)[0][:5]))
    assert apart > 0.005
    pair = [
      np.asarray(solve(affinity, 7, key=jax.random.key(seed)).vectors[:, :3])
      for seed in (0, 5)
    ]
    # In the norm of D, where the degrees are about k, so in any other.
    np.testing.assert_allclose(*pair, atol=ITERATIVE / apart)

  def test_largest_entry_is_positive(self):
    vectors = np.asarray(solve(features_graph(400, 8), 7).vectors)
    largest = np.argmax(np.abs(vectors), axis=0)
    assert np.all(vectors[largest, np.arange(7)] > 0)

  @pytest.mark.parametrize("solver", ["lobpcg", "chebyshev"])
  def test_one_compilation_for_graphs_of_one_shape(self, solver):
    weights = graph.to_scipy(features_graph(400, 8))
    before = getattr(solvers, solver)._cache_size()
    for scale in (1, 2, 3):
      solve(graph.from_scipy(weights * scale), 7, solver=solver)
    # None if another test has met the shape.
    assert getattr(solvers, solver)._cache_size() - before <= 1


class TestConvergence:
  @pytest.mark.parametrize(
    ("limit", "solved_by"), [(400, "dense"), (399, "chebyshev")]
  )
  def test_auto_is_direct_for_few_points(self, monkeypatch, limit, solved_by):
    monkeypatch.setattr(eigenmaps, "_MAX_DENSE_POINTS", limit)
    affinity = features_graph(400, 8)
    found = solve(affinity, 7, solver="auto")
    expected = solve(affinity, 7, solver=solved_by)
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert found.num_iters == expected.num_iters
    assert (found.num_iters == 0) == (solved_by == "dense")

  def test_solution_is_converged(self):
    embedding = solve(features_graph(400, 8), 7)
    assert spectral.is_converged(embedding)
    assert embedding.num_iters < 100

  def test_too_few_iterations_show(self):
    embedding = solve(
      features_graph(400, 8), 7, max_iters=1, solver="chebyshev"
    )
    assert embedding.num_iters == 1
    assert np.max(embedding.residuals) > 0.01
    assert not spectral.is_converged(embedding)

  def test_nan_is_not_converged(self):
    embedding = solve(features_graph(400, 8), 7)
    broken = embedding._replace(
      residuals=embedding.residuals.at[3].set(jnp.nan)
    )
    assert not spectral.is_converged(broken)


class TestBadInput:
  def test_no_components(self):
    with pytest.raises(ValueError, match="num_components is 0"):
      solve(graph.from_scipy(ring(20)), 0)

  def test_more_pairs_than_there_are(self):
    affinity = graph.from_scipy(cliques(3, 4))
    with pytest.raises(ValueError, match=r"12 linked points.*9 non-zero"):
      solve(affinity, 10)

  def test_no_edges(self):
    affinity = graph.from_scipy(scipy.sparse.csr_matrix((6, 6)))
    with pytest.raises(ValueError, match="0 linked points"):
      solve(affinity, 1)

  def test_unknown_solver(self):
    with pytest.raises(ValueError, match=r'solver is "arpack".*"lobpcg"'):
      solve(graph.from_scipy(ring(20)), 2, solver="arpack")
