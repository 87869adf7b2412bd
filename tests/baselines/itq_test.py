"""Iterative quantization."""

import itertools

import numpy as np
import pytest
import scipy.linalg
from support.points import correlated_features

from dsth_jax import codes
from dsth_jax.baselines import itq, pca


def test_itq_encodes_the_rotated_components(key):
  features = correlated_features()
  encoder = itq.fit(features, num_bits=9, key=key)
  principal = pca.fit(features, num_components=9)
  values = (features - principal.mean[None, :]) @ principal.components
  rotation = codes.itq_rotation(values, key=key)
  # Beyond round-off of the threshold the codes are the signs of the rotation.
  clear = np.abs(rotation.values) > 1e-4
  expected = np.asarray(rotation.values) > 0
  found = np.asarray(encoder.encode(features)) == 1
  np.testing.assert_array_equal(found[clear], expected[clear])
  assert clear.mean() > 0.99


def test_itq_projection_is_orthonormal_and_spans_the_components(key):
  features = correlated_features()
  projection = np.asarray(itq.fit(features, num_bits=9, key=key).projection)
  np.testing.assert_allclose(projection.T @ projection, np.eye(9), atol=1e-5)
  components = pca.fit(features, num_components=9).components
  angles = scipy.linalg.subspace_angles(projection, np.asarray(components))
  assert angles.max() < 1e-3  # float32, a product of two rotations


def test_itq_objective_never_rises(key):
  features = correlated_features()

  def objective(num_iters):
    encoder = itq.fit(features, num_bits=9, num_iters=num_iters, key=key)
    values = (features - encoder.mean[None, :]) @ encoder.projection
    return float(np.sum((np.where(values >= 0, 1, -1) - values) ** 2))

  found = [objective(num_iters) for num_iters in (0, 2, 50)]
  # Round-off of a sum of 2,700 float32 terms.
  assert all(b <= a * (1 + 1e-6) for a, b in itertools.pairwise(found))
  assert found[-1] < found[0]


def _quantisation_error(rotated):
  rotated = np.asarray(rotated)
  return np.sum((np.where(rotated >= 0, 1, -1) - rotated) ** 2)


def test_itq_comes_as_close_to_the_corners_as_faiss(key):
  faiss = pytest.importorskip("faiss")
  features = correlated_features()
  principal = pca.fit(features, num_components=9)
  values = np.asarray(
    (features - principal.mean[None, :]) @ principal.components
  )
  rotation = faiss.ITQMatrix(9)
  rotation.train(values)
  np.testing.assert_allclose(
    _quantisation_error(codes.itq_rotation(values, key=key).values),
    _quantisation_error(rotation.apply(values)),
    rtol=0.01,  # Each ends in a local minimum of its own.
  )


def test_itq_ends_where_scipys_procrustes_finds_nothing_better(key):
  features = correlated_features()
  values = features - features.mean(0)
  rotated = np.asarray(
    codes.itq_rotation(values, num_iters=500, key=key).values
  )
  corners = np.where(rotated >= 0, 1.0, -1.0)
  better = rotated @ scipy.linalg.orthogonal_procrustes(rotated, corners)[0]
  np.testing.assert_allclose(
    _quantisation_error(better), _quantisation_error(rotated), rtol=1e-5
  )


@pytest.mark.parametrize(
  ("num_points", "num_bits", "components"), [(300, 21, 20), (10, 10, 9)]
)
def test_itq_refuses_more_bits_than_components(
  num_points, num_bits, components, key
):
  message = f"itq was asked for num_bits={num_bits}, .* have {components} "
  with pytest.raises(ValueError, match=message):
    itq.fit(correlated_features(num_points), num_bits=num_bits, key=key)
