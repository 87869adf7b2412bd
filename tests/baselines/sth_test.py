"""Self-taught hashing."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import sklearn.metrics
import sklearn.neighbors
import sklearn.svm
from support.points import correlated_features

from dsth_jax.baselines import sth


def _eigenmaps(features, num_bits, num_neighbors):
  """The embedding by dense matrices of scikit-learn and SciPy."""
  nearest = sklearn.neighbors.NearestNeighbors(
    n_neighbors=num_neighbors, metric="cosine"
  )
  linked = nearest.fit(features).kneighbors_graph().toarray() > 0
  cosines = 1 - sklearn.metrics.pairwise.cosine_distances(features)
  weights = np.where(linked | linked.T, np.maximum(cosines, 0), 0)
  degrees = np.diag(weights.sum(1))
  values, vectors = scipy.linalg.eigh(degrees - weights, degrees)
  assert values[1] > 1e-3  # Connected.
  return vectors[:, 1 : num_bits + 1]


def test_sth_teaches_itself_the_halves_of_the_eigenvectors(key):
  # So few points that the eigenproblem is solved directly, and compiles soon.
  centered = correlated_features(60).astype(np.float64) - 3.0
  centered -= centered.mean(0)
  vectors = _eigenmaps(centered, 4, 8)
  found = np.asarray(
    sth.self_taught_codes(
      jnp.asarray(centered, jnp.float32), num_bits=4, num_neighbors=8, key=key
    )
  )
  medians = np.median(vectors, axis=0)
  clear = np.abs(vectors - medians) > 1e-2 * np.std(vectors, axis=0)
  agrees = (found == 1) == (vectors >= medians)
  for bit in range(4):
    # The sign of an eigenvector is arbitrary.
    decided = agrees[clear[:, bit], bit]
    assert decided.all() or not decided.any()
  assert clear.mean() > 0.97
  np.testing.assert_array_equal(found.sum(0), 30)


def test_sth_encodes_as_scikit_learns_svms_of_its_bits(key):
  features = correlated_features(60)
  centered = features - features.mean(0)
  taught = sth.self_taught_codes(
    jnp.asarray(centered), num_bits=4, num_neighbors=8, key=key
  )
  encoder = sth.fit(features, num_bits=4, num_neighbors=8, key=key)
  found = np.asarray(encoder.encode(features))
  for bit in range(4):
    expected = sklearn.svm.LinearSVC(dual=False, tol=1e-8)
    expected.fit(centered, taught[:, bit])
    clear = np.abs(expected.decision_function(centered)) > 0.02
    agrees = found[:, bit] == expected.predict(centered)
    assert agrees[clear].all()
    assert clear.mean() > 0.9


def test_sth_joins_a_graph_that_falls_apart(key):
  features = correlated_features(60) - 3.0
  features[:30, 0] += 50.0
  encoder = sth.fit(features, num_bits=4, num_neighbors=8, key=key)
  # The one edge between the groups is the best to cut.
  first = np.asarray(encoder.encode(features))[:, 0]
  assert np.ptp(first[:30]) == np.ptp(first[30:]) == 0
  assert first[0] != first[30]


@pytest.mark.parametrize(
  "options", [{"num_neighbors": 20}, {"num_bits": 20, "num_neighbors": 3}]
)
def test_sth_refuses_too_few_images(options, key):
  message = "sth was given 20 images, .* need at least 21"
  with pytest.raises(ValueError, match=message):
    sth.fit(correlated_features(20), **({"num_bits": 4} | options), key=key)
