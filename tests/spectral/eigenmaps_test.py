"""The embedding: invariances, convergence and bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from support.spectral_graphs import (
  ITERATIVE,
  cliques,
  features_graph,
  largest_angle,
  reference,
  ring,
  solve,
)

from dsth_jax import graph, spectral
from dsth_jax.spectral import eigenmaps, solvers


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
