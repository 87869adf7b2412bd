"""What deep methods refuse, in one sentence each, before any work."""

import numpy as np
import pytest
from support import deep_methods
from support.pictures import TINY, backbone_features

from dsth_jax.models import hash_models

every_method = pytest.mark.parametrize("name", deep_methods.DEEP)
from_pixels = pytest.mark.parametrize("name", deep_methods.FROM_PIXELS)
heads = pytest.mark.parametrize("name", deep_methods.HEADS)


@pytest.fixture(scope="module", autouse=True)
def tiny_network():
  with pytest.MonkeyPatch.context() as patch:
    patch.setitem(hash_models.HASH_MODELS, "tiny", TINY)
    yield


def _refused(name, message, *given, **settings):
  method = name.removesuffix("_simplenet")
  with pytest.raises(ValueError, match=f"^{method} was .*{message}"):
    deep_methods.fit(name, *given, **settings)


@every_method
@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"batch_size": 136}, "batch_size=136, but has 128 images"),
    ({"num_epochs": 0}, "num_epochs=0"),
    ({"optimizer": "adam"}, "optimizer='adam', but there are adamw, sgd"),
    ({"schedule": "step"}, "schedule='step', but there are constant, one_cyc"),
    (
      {"network": "tinny"},
      "'tinny', but there are frozen_backbone, simplenet, tiny: pass one",
    ),
  ],
)
def test_unfit_recipes_are_refused(name, changes, message):
  _refused(name, message, *deep_methods.inputs(name), changes=changes)


@every_method
def test_codes_without_bits_are_refused(name):
  _refused(name, "num_bits=0", *deep_methods.inputs(name), num_bits=0)


@pytest.mark.multidevice
@every_method
def test_a_batch_that_devices_cannot_share_is_refused(name):
  given = deep_methods.inputs(name)
  _refused(name, "batch_size=12, .* 8 de", *given, changes={"batch_size": 12})


@from_pixels
@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda x: x[:, :, :8], r"uint8 images of shape \[128, 16, 8, 3\]"),
    (lambda x: x / 255, r"float64 images of shape \[128, 16, 16, 3\]"),
    (lambda x: x[0], r"uint8 images of shape \[16, 16, 3\]"),
  ],
)
def test_unfit_images_are_refused(name, change, message):
  images, kinds = deep_methods.inputs(name)
  _refused(name, message, change(images), kinds)


@from_pixels
def test_a_head_is_refused_for_images(name):
  message = (
    "'frozen_backbone', which takes features, but was given images: pass "
    "simplenet, tiny as the network"
  )
  changes = {"network": "frozen_backbone"}
  _refused(name, message, *deep_methods.inputs(name), changes=changes)


@heads
def test_a_network_on_images_is_refused_for_features(name):
  message = "'simplenet', which takes images, but was given features"
  changes = {"network": "simplenet"}
  _refused(name, message, *deep_methods.inputs(name), changes=changes)


@heads
@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda x: x[:, 0], r"features of shape \[128\]"),
    (lambda x: np.where(x == x[5], np.nan, x), "NaN .* first in row 5"),
    (lambda x: np.repeat(x[:1], 128, 0), "128 images of equal features"),
  ],
)
def test_unfit_features_of_a_head_are_refused(name, change, message):
  features, kinds = deep_methods.inputs(name)
  _refused(name, message, change(features), kinds)


@pytest.mark.parametrize("name", deep_methods.SUPERVISED)
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
  inputs, kinds = deep_methods.inputs(name)
  _refused(name, message, inputs, kinds, labels=change(kinds))


@pytest.mark.parametrize("name", deep_methods.WITH_FEATURES)
@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda x: None, "no features for 128 images"),
    (lambda x: x[:-1], "127 features for 128 images"),
    (lambda x: x[:, 0], r"features of shape \[128\]"),
    (lambda x: np.where(x == x[5], np.inf, x), "NaN .* first in row 5"),
  ],
)
def test_unfit_features_beside_images_are_refused(name, change, message):
  images, kinds = deep_methods.inputs(name)
  features = change(backbone_features(kinds))
  _refused(name, message, images, kinds, features=features)


@pytest.mark.parametrize("name", deep_methods.WITH_VIEWS)
@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda x: None, "no views for 128 images with 48 features"),
    (lambda x: x[:-1], r"views of shape \[127, 3, 48\] for 128 images"),
    (lambda x: x[:, :, :8], r"views of shape \[128, 3, 8\]"),
    (lambda x: x[:, 0], r"views of shape \[128, 48\]"),
    (lambda x: x[:, :0], r"views of shape \[128, 0, 48\]"),
  ],
)
def test_unfit_views_are_refused(name, change, message):
  features, kinds = deep_methods.inputs(name)
  views = change(deep_methods.views(features))
  _refused(name, message, features, kinds, views=views)


def test_a_contrast_of_views_needs_two():
  features, kinds = deep_methods.inputs("cibhash")
  views = deep_methods.views(features, 1)
  message = "learns from features of 2 or more random views"
  _refused("cibhash", message, features, kinds, views=views)
