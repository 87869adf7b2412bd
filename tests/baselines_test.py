"""One set of tests for every baseline, then the law of each."""

import inspect
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import sklearn.decomposition

from dsth_jax import codes
from dsth_jax.baselines import BASELINES, itq, linear, lsh, pca

every_method = pytest.mark.parametrize("name", sorted(BASELINES))


def _features(num_points=300, num_features=20):
  """Correlated features far from the origin, variances falling by column."""
  rng = np.random.default_rng(0)
  scales = 2.0 ** -np.arange(num_features)[None, :]
  mixing = scipy.linalg.qr(rng.normal(size=(num_features, num_features)))[0]
  points = rng.normal(size=(num_points, num_features)) * (scales + 0.05)
  return (points @ mixing + 3.0).astype(np.float32)


@every_method
@pytest.mark.parametrize("num_bits", [1, 9])
def test_codes_are_zeros_and_ones(name, num_bits, key):
  features = _features()
  encoder = BASELINES[name].fit(features, num_bits=num_bits, key=key)
  found = encoder.encode(features)
  assert found.shape == (300, num_bits)
  assert found.dtype == jnp.uint8
  # No bit is constant: hyperplanes pass through the mean of the features.
  assert set(np.unique(found)) == {0, 1}
  assert (np.ptp(np.asarray(found), axis=0) == 1).all()


@every_method
def test_numpy_float64_and_jax_give_the_same_codes(name, key):
  features = _features()
  fit = BASELINES[name].fit
  expected = fit(features, num_bits=9, key=key).encode(features)
  for other in (jnp.asarray(features), features.astype(np.float64)):
    found = fit(other, num_bits=9, key=key).encode(other)
    np.testing.assert_array_equal(found, expected)


@every_method
def test_labels_change_nothing(name, key):
  features = _features()
  encoders = [
    BASELINES[name].fit(features, labels, num_bits=9, key=key)
    for labels in (None, np.arange(300) % 3)
  ]
  np.testing.assert_array_equal(*(each.projection for each in encoders))


@every_method
def test_an_image_has_its_code_whatever_is_encoded_beside_it(name, key):
  features = _features()
  encoder = BASELINES[name].fit(features, num_bits=9, key=key)
  whole = encoder.encode(features)
  parts = [encoder.encode(features[:100]), encoder.encode(features[100:])]
  np.testing.assert_array_equal(np.concatenate(parts), whole)


@every_method
def test_another_key_gives_other_codes(name):
  features = _features()
  found = [
    BASELINES[name].fit(features, num_bits=9, key=jax.random.key(seed))
    for seed in (0, 0, 1)
  ]
  first, same, other = (encoder.encode(features) for encoder in found)
  np.testing.assert_array_equal(first, same)
  assert (np.asarray(first) != np.asarray(other)).any()


@every_method
def test_opposite_points_have_opposite_codes(name, key):
  features = _features()
  encoder = BASELINES[name].fit(features, num_bits=9, key=key)
  mirrored = 2 * np.asarray(encoder.mean)[None, :] - features
  found = encoder.encode(features) + encoder.encode(mirrored)
  assert (np.asarray(found) == 1).all()


@every_method
def test_encode_is_compiled_once(name, key):
  features = _features()
  before = linear._encode._cache_size()
  for num_bits in (13, 13):
    encoder = BASELINES[name].fit(features, num_bits=num_bits, key=key)
    encoder.encode(features[:77])
    encoder.encode(features[77:154])
  # At most once: another method may have encoded this shape already.
  assert linear._encode._cache_size() <= before + 1


@every_method
@pytest.mark.parametrize(
  ("change", "num_bits", "message"),
  [
    (lambda x: x, 0, "num_bits=0"),
    (lambda x: x[:0], 4, r"features of shape \[0, 20\]"),
    (lambda x: x[:, :, None], 4, r"features of shape \[300, 20, 1\]"),
    (lambda x: np.where(x == x[5], np.nan, x), 4, "NaN .* first in row 5"),
  ],
)
def test_unfit_features_are_refused(name, change, num_bits, message, key):
  # Past the type checks of the tests, which users do not have.
  fit = inspect.unwrap(BASELINES[name].fit)
  with pytest.raises(ValueError, match=f"{name} was .*{message}"):
    fit(change(_features()), num_bits=num_bits, key=key)


@every_method
def test_features_of_another_network_are_refused(name, key):
  encoder = BASELINES[name].fit(_features(), num_bits=9, key=key)
  with pytest.raises(ValueError, match="fitted to 20 columns"):
    encoder.encode(np.ones((3, 21), np.float32))


def test_lsh_collides_with_the_probability_of_the_angle(key):
  angles = np.linspace(0.1, 3.0, 8)
  circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
  # Their mean is the origin, from which the angles are seen.
  points = np.concatenate([[[1.0, 0.0]], circle])
  points = np.concatenate([points, -points])
  num_bits = 20_000
  found = np.asarray(lsh.fit(points, num_bits=num_bits, key=key).encode(points))
  shared = (found[1:9] == found[:1]).mean(1)
  chance = 1 - angles / np.pi
  error = np.sqrt(chance * (1 - chance) / num_bits)
  assert (np.abs(shared - chance) <= 4 * error).all()


def test_lsh_may_have_more_bits_than_features(key):
  assert lsh.fit(_features(), num_bits=64, key=key).projection.shape == (20, 64)


@pytest.mark.parametrize("num_components", [1, 6, 20])
def test_pca_is_scikit_learns(num_components, monkeypatch):
  monkeypatch.setattr(pca, "ROWS_IN_BLOCK", 128)
  features = _features()
  found = pca.fit(features, num_components=num_components)
  expected = sklearn.decomposition.PCA(num_components, svd_solver="full")
  expected.fit(features.astype(np.float64))
  # Variances fall to 1/400 of the largest, resolved to float32's 1e-7 of it.
  np.testing.assert_allclose(
    found.variances, expected.explained_variance_ * 299 / 300, rtol=1e-3
  )
  np.testing.assert_allclose(found.mean, features.mean(0), rtol=1e-5)
  angles = scipy.linalg.subspace_angles(
    np.asarray(found.components, np.float64), expected.components_.T
  )
  # Float32 round-off over the gap of the variances at the cut.
  assert angles.max() < 1e-3


def test_pca_components_are_orthonormal_and_of_fixed_sign():
  components = np.asarray(pca.fit(_features(), num_components=20).components)
  np.testing.assert_allclose(components.T @ components, np.eye(20), atol=1e-5)
  largest = np.abs(components).argmax(0)
  assert (components[largest, np.arange(20)] > 0).all()


def test_itq_encodes_the_rotated_components(key):
  features = _features()
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
  features = _features()
  projection = np.asarray(itq.fit(features, num_bits=9, key=key).projection)
  np.testing.assert_allclose(projection.T @ projection, np.eye(9), atol=1e-5)
  components = pca.fit(features, num_components=9).components
  angles = scipy.linalg.subspace_angles(projection, np.asarray(components))
  assert angles.max() < 1e-3  # float32, a product of two rotations


def test_itq_objective_never_rises(key):
  features = _features()

  def objective(num_iters):
    encoder = itq.fit(features, num_bits=9, num_iters=num_iters, key=key)
    values = (features - encoder.mean[None, :]) @ encoder.projection
    return float(np.sum((np.where(values >= 0, 1, -1) - values) ** 2))

  found = [objective(num_iters) for num_iters in (0, 2, 50)]
  # Round-off of a sum of 2,700 float32 terms.
  assert all(b <= a * (1 + 1e-6) for a, b in itertools.pairwise(found))
  assert found[-1] < found[0]


@pytest.mark.parametrize(
  ("num_points", "num_bits", "components"), [(300, 21, 20), (10, 10, 9)]
)
def test_itq_refuses_more_bits_than_components(
  num_points, num_bits, components, key
):
  message = f"itq was asked for num_bits={num_bits}, .* have {components} "
  with pytest.raises(ValueError, match=message):
    itq.fit(_features(num_points), num_bits=num_bits, key=key)
