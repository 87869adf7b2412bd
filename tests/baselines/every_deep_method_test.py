"""One set of tests for every baseline on images."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.pictures import NUM_KINDS, TINY, backbone_features, kinds_of_images

from dsth_jax import codes, metrics, train
from dsth_jax.baselines import BASELINES
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.models import hash_models
from dsth_jax.runtime import sharding

_ON_IMAGES = sorted(
  name for name, method in BASELINES.items() if method.inputs == "images"
)
every_method = pytest.mark.parametrize("name", _ON_IMAGES)
supervised = pytest.mark.parametrize(
  "name", [name for name in _ON_IMAGES if BASELINES[name].supervised]
)
_ON_FEATURES = [
  name
  for name in _ON_IMAGES
  if "features" in inspect.signature(BASELINES[name].fit).parameters
]
learns_from_features = pytest.mark.parametrize("name", _ON_FEATURES)


@pytest.fixture(scope="module", autouse=True)
def tiny_network():
  with pytest.MonkeyPatch.context() as patch:
    patch.setitem(hash_models.HASH_MODELS, "tiny", TINY)
    yield


@pytest.fixture(scope="module", autouse=True)
def programs_are_kept(tmp_path_factory):
  """Keeps all programs, so that the second fit of a method is cheap."""
  settings = {
    "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("programs")),
    "jax_persistent_cache_min_compile_time_secs": 0.0,
  }
  before = {name: getattr(jax.config, name) for name in settings}
  for name, value in settings.items():
    jax.config.update(name, value)
  yield
  for name, value in before.items():
    jax.config.update(name, value)


# This generator compiles in a fraction of the time of the default one.
def _fit(name, images, kinds, *, generator="rbg", **settings):
  method = BASELINES[name]
  if name in _ON_FEATURES:
    settings = {"features": backbone_features(kinds), **settings}
  settings = {
    "labels": kinds if method.supervised else None,
    "num_bits": 9,
    "network": "tiny",
    "num_epochs": 12,
    "batch_size": 32,
    "learning_rate": 0.02,
    **settings,
  }
  # Without the type checks of the tests, which users do not have.
  fit = inspect.unwrap(method.fit)
  return fit(images, key=jax.random.key(0, impl=generator), **settings)


@functools.cache
def _fitted(name):
  return _fit(name, *kinds_of_images())


@functools.cache
def _fitted_again(name):
  """The same with other types and names; the encoder and the steps made."""
  images, kinds = kinds_of_images()
  steps = []
  make_step = train.make_step

  def remember(*args, **settings):
    steps.append(make_step(*args, **settings))
    return steps[-1]

  names = np.array(["ant", "bee", "cat", "dog"])[kinds]
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(train, "make_step", remember)
    return _fit(name, jnp.asarray(images), kinds, labels=names), steps


@every_method
def test_codes_are_zeros_and_ones(name):
  images, _ = kinds_of_images()
  found = _fitted(name).encode(images)
  assert found.shape == (128, 9)
  assert found.dtype == jnp.uint8
  assert set(np.unique(found)) == {0, 1}


@every_method
def test_the_loss_of_every_step_is_finite_and_falls(name):
  losses = _fitted(name).losses
  assert losses.shape == (12 * 128 // 32,)
  assert np.isfinite(losses).all()
  assert losses[-8:].mean() < losses[:8].mean()


@every_method
def test_new_images_find_their_kind(name):
  images, kinds = kinds_of_images()
  new_images, new_kinds = kinds_of_images(seed=1)
  encoder = _fitted(name)
  found = metrics.evaluate(
    codes.pack(encoder.encode(new_images)),
    codes.pack(encoder.encode(images)),
    GroundTruth.from_labels(new_kinds, kinds),
    num_bits=9,
  )
  chance = 1 / NUM_KINDS
  assert found["mean_average_precision"] > 2 * chance


@every_method
def test_a_key_gives_the_same_codes_again(name):
  # For any names of the classes, and if labels are given but not used.
  images, _ = kinds_of_images()
  again, _ = _fitted_again(name)
  np.testing.assert_array_equal(again.losses, _fitted(name).losses)
  np.testing.assert_array_equal(
    again.encode(images), _fitted(name).encode(images)
  )


@every_method
def test_every_step_is_compiled_once(name):
  _, steps = _fitted_again(name)
  assert {step._cache_size() for step in steps} == {1}


@every_method
def test_a_code_does_not_depend_on_the_rest_of_the_batch(name):
  images, _ = kinds_of_images(300)
  encoder = _fitted(name)
  whole = encoder.encode(images)
  parts = [encoder.encode(images[:100]), encoder.encode(images[100:])]
  np.testing.assert_array_equal(np.concatenate(parts), whole)
  assert encoder.encode(images[:0]).shape == (0, 9)


@pytest.mark.slow
@pytest.mark.multidevice
@every_method
def test_eight_devices_begin_as_one_does(name, monkeypatch):
  one = jax.make_mesh(
    (1,), ("rows",), (jax.sharding.AxisType.Auto,), devices=jax.devices()[:1]
  )
  # Draws of this generator do not depend on the number of devices.
  settings = {"num_epochs": 1, "generator": "threefry2x32"}
  eight = _fit(name, *kinds_of_images(), **settings).losses
  monkeypatch.setattr(sharding, "make_mesh", lambda: one)
  single = _fit(name, *kinds_of_images(), **settings).losses
  # Sums in another order; a bit that flips by it changes a loss by a step.
  np.testing.assert_allclose(eight, single, rtol=1e-2)


@pytest.mark.slow
@every_method
def test_the_real_network_learns_the_kinds(name):
  images, kinds = kinds_of_images(size=32)
  encoder = _fit(
    name, images, kinds, network=hash_models.DEFAULT, learning_rate=3e-3
  )
  packed = codes.pack(encoder.encode(images))
  truth = GroundTruth.from_labels(kinds, kinds)
  found = metrics.evaluate(packed, packed, truth, num_bits=9)
  assert found["mean_average_precision"] > 2 / NUM_KINDS


@every_method
@pytest.mark.parametrize(
  ("change", "settings", "message"),
  [
    (lambda x: x, {"num_bits": 0}, "num_bits=0"),
    (lambda x: x[:, :, :8], {}, r"uint8 images of shape \[128, 16, 8, 3\]"),
    (lambda x: x / 255, {}, r"float64 images of shape \[128, 16, 16, 3\]"),
    (lambda x: x[0], {}, r"uint8 images of shape \[16, 16, 3\]"),
    (lambda x: x, {"batch_size": 136}, "batch_size=136, but has 128 images"),
    (lambda x: x, {"num_epochs": 0}, "num_epochs=0"),
    (
      lambda x: x,
      {"network": "tinny"},
      "network 'tinny', but there are simplenet, tiny: pass one",
    ),
    (
      lambda x: x,
      {"network": "frozen_backbone"},
      "network 'frozen_backbone', which takes features, but .* from images",
    ),
  ],
)
def test_unfit_images_and_settings_are_refused(name, change, settings, message):
  images, kinds = kinds_of_images()
  with pytest.raises(ValueError, match=f"^{name} was .*{message}"):
    _fit(name, change(images), kinds, **settings)


@pytest.mark.multidevice
@every_method
def test_a_batch_that_devices_cannot_share_is_refused(name):
  with pytest.raises(ValueError, match=f"^{name} was .*batch_size=12, .* 8 de"):
    _fit(name, *kinds_of_images(), batch_size=12)


@supervised
@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda x: None, "no labels"),
    (lambda x: x[:-1], r"labels of shape \[127\] for 128 images"),
    (lambda x: np.eye(4)[x], r"labels of shape \[128, 4\] for 128 images"),
    (lambda x: 0 * x, "labels of 1 class"),
  ],
)
def test_unfit_labels_are_refused(name, change, message):
  images, kinds = kinds_of_images()
  with pytest.raises(ValueError, match=f"^{name} was given {message}"):
    _fit(name, images, kinds, labels=change(kinds))


@learns_from_features
@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda x: x[:-1], "127 features for 128 images"),
    (lambda x: x[:, 0], r"features of shape \[128\]"),
    (lambda x: np.where(x == x[5], np.inf, x), "NaN .* first in row 5"),
  ],
)
def test_unfit_features_are_refused(name, change, message):
  images, kinds = kinds_of_images()
  with pytest.raises(ValueError, match=f"^{name} was given .*{message}"):
    _fit(name, images, kinds, features=change(backbone_features(kinds)))


@pytest.mark.parametrize("name", ["bihalf", "greedyhash", "structure_ssdh"])
def test_features_are_asked_for(name):
  message = f"^{name} was given no features for 128 images"
  with pytest.raises(ValueError, match=message):
    _fit(name, *kinds_of_images(), features=None)


@pytest.mark.slow
@learns_from_features
def test_equal_constant_and_zero_features_are_learned_from(name):
  images, kinds = kinds_of_images()
  features = backbone_features(kinds)
  features[:, 3] = 1.0
  features[kinds == 0] = features[0]
  features[7] = 0.0
  losses = _fit(name, images, kinds, features=features).losses
  assert np.isfinite(losses).all()
  assert losses[-8:].mean() < losses[:8].mean()


@every_method
def test_images_of_another_size_are_refused(name):
  with pytest.raises(ValueError, match="compiled for 1 to 256 items of shape"):
    _fitted(name).encode(np.zeros((3, 32, 32, 3), np.uint8))
