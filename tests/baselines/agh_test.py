"""Anchor graph hashing."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
from support.points import correlated_features

from dsth_jax.baselines import agh, anchor_graph, anchors


def _affinities(features, encoder):
  centered = features - np.asarray(encoder.mean)
  squared = anchors.squared_distances(jnp.asarray(centered), encoder.centers)
  found = anchors.affinities(
    squared, encoder.bandwidth, num_nearest=encoder.num_nearest
  )
  return anchor_graph.to_scipy(found, len(encoder.centers))


def _graph(affinities):
  """A, the n x n matrix that is never formed."""
  dense = affinities.toarray()
  return dense / dense.sum(0)[None, :] @ dense.T


def _fit(features, key, **options):
  options = {"num_bits": 9, "num_anchors": 40, "num_nearest": 4} | options
  return agh.fit(features, key=key, **options)


def test_agh_graph_is_doubly_stochastic(key):
  features = correlated_features()
  affinities = _affinities(features, _fit(features, key))
  np.testing.assert_allclose(affinities.sum(1), 1, rtol=1e-6)
  adjacency = _graph(affinities)
  np.testing.assert_allclose(adjacency, adjacency.T, atol=1e-12)
  np.testing.assert_allclose(adjacency.sum(0), 1, rtol=1e-6)


def test_agh_eigenvectors_are_those_of_the_whole_graph(key):
  features = correlated_features()
  affinities = _affinities(features, _fit(features, key))
  values, vectors = np.linalg.eigh(np.eye(300) - _graph(affinities))
  assert values[1] > 1e-3  # One component, and one constant vector.
  found = affinities @ anchor_graph.eigenvectors(affinities, 6)
  # 1e-6: Z is made of float32 weights, whose rows sum to 1 so closely.
  np.testing.assert_allclose(found.T @ found, 300 * np.eye(6), atol=1e-6 * 300)
  np.testing.assert_allclose(
    np.diag(found.T @ found - found.T @ _graph(affinities) @ found) / 300,
    values[1:7],
    atol=1e-6,
  )
  angles = scipy.linalg.subspace_angles(found, vectors[:, 1:7])
  assert angles.max() < 1e-5


def test_agh_second_thresholds_have_the_smallest_energy(key):
  features = correlated_features()
  affinities = _affinities(features, _fit(features, key))
  projection = anchor_graph.eigenvectors(affinities, 3)
  upper, lower = anchor_graph.second_thresholds(affinities, projection)
  laplacian = np.eye(300) - _graph(affinities)

  for bit, values in enumerate((affinities @ projection).T):

    def second(thresholds, values=values):
      return np.where(
        values >= 0, values - thresholds[0], thresholds[1] - values
      )

    expected = scipy.optimize.minimize(
      lambda t: second(t) @ laplacian @ second(t),
      np.zeros(2),
      constraints={"type": "eq", "fun": lambda t: second(t).sum()},
      options={"ftol": 1e-12},
    )
    assert expected.success
    np.testing.assert_allclose(
      (upper[bit], lower[bit]),
      expected.x,
      atol=1e-3,  # Of the optimizer.
    )


@pytest.mark.parametrize(("num_layers", "num_bits"), [(1, 5), (2, 10), (2, 9)])
def test_agh_cuts_eigenvectors_once_or_twice(num_layers, num_bits, key):
  features = correlated_features()
  encoder = _fit(features, key, num_bits=num_bits, num_layers=num_layers)
  affinities = _affinities(features, encoder)
  projection = anchor_graph.eigenvectors(affinities, 5)
  values = affinities @ projection
  upper, lower = anchor_graph.second_thresholds(affinities, projection)
  cuts = [values, np.where(values >= 0, values - upper, lower - values)]
  expected = np.concatenate(cuts, axis=1)[:, :num_bits]
  found = np.asarray(encoder.encode(features))
  clear = np.abs(expected) > 1e-4
  np.testing.assert_array_equal(found[clear] == 1, expected[clear] > 0)
  assert clear.mean() > 0.99


def test_agh_leaves_out_what_tells_components_apart(key):
  features = correlated_features()
  features[:150] += 30.0
  affinities = _affinities(features, _fit(features, key))
  found = affinities @ anchor_graph.eigenvectors(affinities, 4)
  # Balanced in each of the two.
  assert np.abs(found[:150].mean(0)).max() < 1e-6
  assert np.abs(found[150:].mean(0)).max() < 1e-6


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"num_layers": 3}, "agh was asked for num_layers=3"),
    ({"num_nearest": 1}, "agh was asked for num_nearest=1 of 40"),
    ({"num_nearest": 41}, "agh was asked for num_nearest=41 of 40"),
    ({"num_bits": 80}, "agh needs 40 eigenvectors, .* 1 components has 39"),
  ],
)
def test_agh_refuses_what_it_cannot_do(options, message, key):
  with pytest.raises(ValueError, match=message):
    _fit(correlated_features(), key, **options)
