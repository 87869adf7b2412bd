"""Every solver on graphs of known spectrum and against SciPy."""

import numpy as np
import pytest
import scipy.sparse
from support.spectral_graphs import (
  DIRECT,
  ITERATIVE,
  assert_is_solution,
  cliques,
  features_graph,
  largest_angle,
  path,
  reference,
  ring,
  solve,
  torus,
)

from dsth_jax import graph, spectral

# Each shape of graph compiles for some seconds: by default there are few.
slow = pytest.mark.slow


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
