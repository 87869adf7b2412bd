"""One set of tests for every baseline on features without a network."""

import inspect
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.points import correlated_features

from dsth_jax.baselines import BASELINES

_ON_FEATURES = sorted(
  name
  for name, method in BASELINES.items()
  if method.inputs == "features" and not method.network
)
every_method = pytest.mark.parametrize("name", _ON_FEATURES)
unsupervised = pytest.mark.parametrize(
  "name", [name for name in _ON_FEATURES if not BASELINES[name].supervised]
)
_LABELS = np.arange(300) % 3


def _fit(name, features, *, num_bits=9, seed=0):
  labels = _LABELS if BASELINES[name].supervised else None
  # Without the type checks of the tests, which users do not have.
  fit = inspect.unwrap(BASELINES[name].fit)
  return fit(features, labels, num_bits=num_bits, key=jax.random.key(seed))


def test_every_method_has_its_name_and_description():
  names = [method.name for method in BASELINES.values()]
  assert all(names)
  assert len(set(names)) == len(names)
  for method in BASELINES.values():
    assert re.fullmatch(r"[^.]{20,}\.", method.description)


@every_method
@pytest.mark.parametrize("num_bits", [1, 9])
def test_codes_are_zeros_and_ones(name, num_bits):
  features = correlated_features()
  found = _fit(name, features, num_bits=num_bits).encode(features)
  assert found.shape == (300, num_bits)
  assert found.dtype == jnp.uint8
  assert set(np.unique(found)) == {0, 1}
  # No bit is constant, but for thresholds drawn near a wave's crest.
  varies = np.ptp(np.asarray(found), axis=0) == 1
  assert varies.all() or (name == "sklsh" and varies.mean() > 0.5)


@every_method
def test_numpy_float64_and_jax_give_the_same_codes(name):
  features = correlated_features()
  expected = _fit(name, features).encode(features)
  for other in (jnp.asarray(features), features.astype(np.float64)):
    found = _fit(name, other).encode(other)
    np.testing.assert_array_equal(found, expected)


@unsupervised
def test_labels_change_nothing(name, key):
  features = correlated_features()
  found = [
    BASELINES[name].fit(features, labels, num_bits=9, key=key).encode(features)
    for labels in (None, _LABELS)
  ]
  np.testing.assert_array_equal(*found)


@every_method
def test_a_code_does_not_depend_on_the_rest_of_the_batch(name):
  features = correlated_features()
  encoder = _fit(name, features)
  whole = encoder.encode(features)
  parts = [encoder.encode(features[:100]), encoder.encode(features[100:])]
  np.testing.assert_array_equal(np.concatenate(parts), whole)


@every_method
def test_a_key_gives_the_same_codes_again(name):
  features = correlated_features()
  first, again = (_fit(name, features).encode(features) for _ in range(2))
  np.testing.assert_array_equal(first, again)


@every_method
def test_encode_is_compiled_once(name):
  features = correlated_features()
  encoders = [_fit(name, features, num_bits=13) for _ in range(2)]
  encoders[0].encode(features[:77])
  with _Compilations() as compiled:
    for encoder in encoders:
      encoder.encode(features[:77])
      encoder.encode(features[77:154])
  assert compiled == []


class _Compilations:
  def __enter__(self):
    self.events = []
    jax.monitoring.register_event_duration_secs_listener(self._listen)
    return self.events

  def _listen(self, event, duration, **kwargs):
    if event == "/jax/core/compile/backend_compile_duration":
      self.events.append((event, duration, kwargs))

  def __exit__(self, *args):
    jax.monitoring.unregister_event_duration_listener(self._listen)


@every_method
@pytest.mark.parametrize(
  ("change", "num_bits", "message"),
  [
    (lambda x: x, 0, "num_bits=0"),
    (lambda x: x[:0], 4, r"features of shape \[0, 20\]"),
    (lambda x: x[:, :, None], 4, r"features of shape \[300, 20, 1\]"),
    (lambda x: np.where(x == x[5], np.nan, x), 4, "NaN .* first in row 5"),
    (lambda x: x[:1], 4, "1 images of equal features"),
    (lambda x: np.repeat(x[:1], 300, 0), 4, "300 images of equal features"),
  ],
)
def test_unfit_features_are_refused(name, change, num_bits, message):
  with pytest.raises(ValueError, match=f"{name} was .*{message}"):
    _fit(name, change(correlated_features()), num_bits=num_bits)


def _constant_columns():
  columns = np.arange(20)[None, :]
  return np.where(columns % 4 == 0, 3.0, correlated_features()).astype("f4")


def _copies():
  return np.repeat(correlated_features()[:60], 5, axis=0)


@every_method
@pytest.mark.parametrize(
  "features",
  [_constant_columns(), _copies()],
  ids=["constant columns", "copies"],
)
def test_equal_images_have_equal_codes_of_bits_that_vary(name, features):
  if name == "agh" and len(np.unique(features, axis=0)) == 60:
    # Each image is an anchor, and most are linked only to themselves.
    with pytest.raises(ValueError, match=r"^agh needs 5 eigenvectors, but"):
      _fit(name, features)
    return
  found = np.asarray(_fit(name, features).encode(features))
  assert (np.ptp(found, axis=0) == 1).mean() > 0.5
  _, first, place = np.unique(
    features, axis=0, return_index=True, return_inverse=True
  )
  np.testing.assert_array_equal(found, found[first][place.ravel()])


@every_method
def test_features_of_another_network_are_refused(name):
  encoder = _fit(name, correlated_features())
  with pytest.raises(ValueError, match="fitted to 20 columns"):
    encoder.encode(np.ones((3, 21), np.float32))
