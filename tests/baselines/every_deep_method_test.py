"""One set of tests for every deep method, in both of its modes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import deep_methods
from support.pictures import NUM_KINDS, TINY

from dsth_jax import codes, metrics, train
from dsth_jax.baselines import BASELINES
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.models import hash_models
from dsth_jax.runtime import sharding

every_method = pytest.mark.parametrize("name", deep_methods.DEEP)


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


@functools.cache
def _fitted_again(name):
  """The same with other types and names; the encoder and the steps made."""
  inputs, kinds = deep_methods.inputs(name)
  steps = []
  make_step = train.make_step

  def remember(*args, **settings):
    steps.append(make_step(*args, **settings))
    return steps[-1]

  names = np.array(["ant", "bee", "cat", "dog"])[kinds]
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(train, "make_step", remember)
    given = {"labels": names}
    return deep_methods.fit(name, jnp.asarray(inputs), kinds, **given), steps


@every_method
def test_codes_are_zeros_and_ones(name):
  inputs, _ = deep_methods.inputs(name)
  found = deep_methods.fitted(name).encode(inputs)
  assert found.shape == (128, 9)
  assert found.dtype == jnp.uint8
  assert set(np.unique(found)) == {0, 1}


@every_method
def test_the_loss_of_every_step_is_finite_and_falls(name):
  losses = deep_methods.fitted(name).losses
  assert losses.shape == (12 * 128 // 32,)
  assert np.isfinite(losses).all()
  assert losses[-8:].mean() < losses[:8].mean()


@every_method
def test_new_images_find_their_kind(name):
  inputs, kinds = deep_methods.inputs(name)
  new_inputs, new_kinds = deep_methods.inputs(name, seed=1)
  encoder = deep_methods.fitted(name)
  found = metrics.evaluate(
    codes.pack(encoder.encode(new_inputs)),
    codes.pack(encoder.encode(inputs)),
    GroundTruth.from_labels(new_kinds, kinds),
    num_bits=9,
  )
  chance = 1 / NUM_KINDS
  assert found["mean_average_precision"] > 2 * chance


@every_method
def test_a_key_gives_the_same_codes_again(name):
  # For any names of the classes, and if labels are given but not used.
  inputs, _ = deep_methods.inputs(name)
  first, (again, _) = deep_methods.fitted(name), _fitted_again(name)
  np.testing.assert_array_equal(again.losses, first.losses)
  np.testing.assert_array_equal(again.encode(inputs), first.encode(inputs))


@every_method
def test_every_step_is_compiled_once(name):
  _, steps = _fitted_again(name)
  assert {step._cache_size() for step in steps} == {1}


@every_method
def test_a_code_does_not_depend_on_the_rest_of_the_batch(name):
  inputs, _ = deep_methods.inputs(name, 300)
  encoder = deep_methods.fitted(name)
  whole = encoder.encode(inputs)
  parts = [encoder.encode(inputs[:100]), encoder.encode(inputs[100:])]
  np.testing.assert_array_equal(np.concatenate(parts), whole)
  assert encoder.encode(inputs[:0]).shape == (0, 9)


@every_method
def test_inputs_of_another_size_are_refused(name):
  shape = (3, 32, 32, 3) if name in deep_methods.FROM_PIXELS else (3, 17)
  with pytest.raises(ValueError, match="compiled for 1 to 256 items of shape"):
    deep_methods.fitted(name).encode(np.zeros(shape, np.uint8))


@every_method
def test_the_two_entries_share_a_function_and_differ_in_the_recipe(name):
  key = name.removesuffix("_simplenet")
  head, from_pixels = BASELINES[key], BASELINES[f"{key}_simplenet"]
  assert head.function is from_pixels.function
  assert (head.inputs, from_pixels.inputs) == ("features", "images")
  assert head.supervised == from_pixels.supervised
  for method in (head, from_pixels):
    recipe = deep_methods.default_recipe(method)
    assert recipe.network == method.network
    network = hash_models.HASH_MODELS[recipe.network]
    assert network.inputs == method.inputs


@pytest.mark.slow
@pytest.mark.multidevice
@every_method
def test_eight_devices_begin_as_one_does(name, monkeypatch):
  one = jax.make_mesh(
    (1,), ("rows",), (jax.sharding.AxisType.Auto,), devices=jax.devices()[:1]
  )
  # Draws of this generator do not depend on the number of devices.
  settings = {"changes": {"num_epochs": 1}, "generator": "threefry2x32"}
  given = deep_methods.inputs(name)
  eight = deep_methods.fit(name, *given, **settings).losses
  monkeypatch.setattr(sharding, "make_mesh", lambda: one)
  single = deep_methods.fit(name, *given, **settings).losses
  # Sums in another order; a bit that flips by it changes a loss by a step.
  np.testing.assert_allclose(eight, single, rtol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("name", deep_methods.FROM_PIXELS)
def test_the_real_network_learns_the_kinds(name):
  images, kinds = deep_methods.inputs(name, size=32)
  changes = {"network": hash_models.DEFAULT, "learning_rate": 3e-3}
  encoder = deep_methods.fit(name, images, kinds, changes=changes)
  packed = codes.pack(encoder.encode(images))
  truth = GroundTruth.from_labels(kinds, kinds)
  found = metrics.evaluate(packed, packed, truth, num_bits=9)
  assert found["mean_average_precision"] > 2 / NUM_KINDS


@pytest.mark.slow
@pytest.mark.parametrize("name", deep_methods.WITH_FEATURES)
def test_equal_constant_and_zero_features_are_learned_from(name):
  images, kinds = deep_methods.inputs(name)
  features = deep_methods.backbone_features(kinds)
  features[:, 3] = 1.0
  features[kinds == 0] = features[0]
  features[7] = 0.0
  losses = deep_methods.fit(name, images, kinds, features=features).losses
  assert np.isfinite(losses).all()
  assert losses[-8:].mean() < losses[:8].mean()
