"""What a method is given, and what is refused before any work."""

import types

import jax
import numpy as np
import pytest

from dsth_jax import config as config_lib
from dsth_jax import datasets
from dsth_jax.baselines import BASELINES, Baseline, Recipe, bihalf
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.pipeline import methods
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.inputs import Inputs
from dsth_jax.pipeline.seeds import stage_key

CONFIG = config_lib.base_config()

LABELS = np.array([5, 4, 3, 2, 1, 0])


def _inputs(*, with_images=True, labels=LABELS):
  """Six images, of which the last four train; each row is its own number."""
  rows = np.arange(6)
  images = datasets.Images([[b"record"] * 6] if with_images else [])
  dataset = datasets.Dataset(
    images=images,
    ground_truth=None if labels is None else GroundTruth.leave_one_out(labels),
    class_names=tuple("abcdef"),
    parts=np.repeat("train", 6),
    names=tuple("012345"),
    skipped=(),
    fingerprint="six",
  )
  splits = datasets.Splits(rows[:2], rows[2:], rows[2:])
  pixels = np.broadcast_to(rows[:, None, None, None], (6, 2, 2, 3))
  return Inputs(
    Data(dataset, splits, None),
    types.SimpleNamespace(
      points=np.repeat(rows[:, None], 3, axis=1).astype(np.float32)
    ),
    types.SimpleNamespace(arrays={"pixels": pixels.astype(np.uint8)}),
  )


def _given(monkeypatch, **kind):
  """Returns what a method of a kind is called with."""

  def fit(
    seen, labels=None, *, num_bits, key, features=None, views=None, shape=1.0
  ):
    calls.append((seen, labels, num_bits, key, features, shape))
    calls.append(views)
    return None

  calls = []
  monkeypatch.setitem(BASELINES, "recorder", Baseline(fit, **kind))
  config = config_lib.base_config()
  config.num_bits = 16
  methods.fitting(config, _inputs(), "recorder")()
  return config, calls[0]


def test_a_method_on_features_is_given_the_training_features(monkeypatch):
  config, (seen, labels, num_bits, key, features, shape) = _given(monkeypatch)
  np.testing.assert_array_equal(seen[:, 0], [2, 3, 4, 5])
  assert seen.shape == (4, 3)
  assert labels is None
  assert features is None
  assert (num_bits, shape) == (16, 1.0)
  expected = stage_key(config.seed, "recorder")
  assert jax.random.key_data(key).tolist() == (
    jax.random.key_data(expected).tolist()
  )


def test_a_supervised_method_is_given_the_training_labels(monkeypatch):
  _, (seen, labels, *_) = _given(monkeypatch, supervised=True)
  np.testing.assert_array_equal(labels, [3, 2, 1, 0])
  assert len(seen) == 4


def test_a_method_on_images_is_given_pixels_and_features(monkeypatch):
  _, (seen, _, _, _, features, _) = _given(
    monkeypatch, inputs="images", needs_features=True
  )
  assert seen.dtype == np.uint8
  np.testing.assert_array_equal(seen[:, 0, 0, 0], [2, 3, 4, 5])
  np.testing.assert_array_equal(features[:, 0], [2, 3, 4, 5])


def test_views_are_given_to_the_method_that_they_are_of(monkeypatch):
  views = np.zeros((4, 2, 3), np.float32)

  def fit(seen, labels=None, *, num_bits, key, views):
    return views

  monkeypatch.setitem(BASELINES, "viewer", Baseline(fit, views=lambda x, k: x))
  made = {"viewer": types.SimpleNamespace(points=views), "other": None}
  inputs = _inputs()._replace(views=made)
  assert methods.fitting(CONFIG, inputs, "viewer")() is views


def test_a_recipe_comes_from_the_config():
  config = config_lib.base_config()
  config.baselines.bihalf.recipe.num_epochs = 7
  config.baselines.bihalf.recipe.hidden_sizes = (5,)
  found = methods.fitting(config, _inputs(), "bihalf").keywords["recipe"]
  expected = bihalf.RECIPE._replace(num_epochs=7, hidden_sizes=(5,))
  assert found == expected
  assert isinstance(found, Recipe)


def test_what_a_method_learns_from():
  config = config_lib.base_config()
  expected = {
    "dsth": "images, features",
    "dsth_simplenet": "images, features",
    "dsth_frozen_backbone": "features",
    "dsth_paper": "images, features",
    "itq": "features",
    "ksh": "features, class labels",
    "structure_ssdh": "features",
    "structure_ssdh_simplenet": "images, features",
    "cibhash": "features",
    "cibhash_simplenet": "images",
    "cnnh": "features, class labels",
    "cnnh_simplenet": "images, class labels",
  }
  for name, text in expected.items():
    assert ", ".join(methods.learned_from(config, name)) == text
  config_lib.use_frozen_backbone(config)
  assert methods.learned_from(config, "dsth") == ["features"]
  assert methods.learned_from(config, "dsth_simplenet")[0] == "images"


def test_the_number_of_labels_that_a_method_sees():
  config, data = config_lib.base_config(), _inputs().data
  config.baselines.ksh.num_labelled = 3
  found = {
    name: methods.num_labels(config, name, data)
    for name in ("dsth", "itq", "cibhash", "ksh", "dlbh", "cca_itq")
  }
  assert found == {
    **{"dsth": 0, "itq": 0, "cibhash": 0},
    **{"ksh": 3, "dlbh": 4, "cca_itq": 4},
  }
  for num_labelled in (0, 300):
    config.baselines.ksh.num_labelled = num_labelled
    assert methods.num_labels(config, "ksh", data) == 4


def test_features_of_a_fine_tuned_backbone_bring_class_labels_along():
  config = config_lib.base_config()
  config.baselines.ksh.num_labelled = 3
  config.features.fine_tuning.num_epochs = 1
  one_missing = np.where(np.arange(6) == 3, -1, LABELS)
  data = _inputs(labels=one_missing).data
  expected = {
    "dsth": ("images, features, class labels", 3),
    "itq": ("features, class labels", 3),
    "ksh": ("features, class labels", 3),
    "structure_ssdh_simplenet": ("images, features, class labels", 3),
    # These see only pixels.
    "cibhash_simplenet": ("images", 0),
    "cnnh_simplenet": ("images, class labels", 3),
  }
  for name, (text, number) in expected.items():
    assert ", ".join(methods.learned_from(config, name)) == text
    assert methods.num_labels(config, name, data) == number
  config.features.fine_tuning.num_labelled = 2
  assert methods.num_labels(config, "itq", data) == 2
  assert methods.num_labels(config, "ksh", data) == 3


def test_fine_tuning_asks_for_class_labels_before_any_work():
  config = config_lib.base_config()
  config.features.fine_tuning.num_epochs = 1
  config.features.fine_tuning.batch_size = 8
  none = np.full(6, -1)
  for labels, reason in (
    (None, "but the images have none"),
    (np.eye(6, dtype=bool), "but an image may have several"),
    (none, "but the training images have none"),
    (np.zeros(6, int), "but all training images are of one class"),
    (LABELS, "batch_size is 8, but 4 labelled training images are used"),
  ):
    with pytest.raises(ValueError, match=f"^features.fine_tuning.*{reason}"):
      methods.check(config, ("dsth",), _inputs(labels=labels).data)
  data = _inputs(with_images=False).data
  with pytest.raises(ValueError, match="the data set has only features"):
    methods.check(config, ("itq",), data)
  config.features.fine_tuning.num_labelled = 3
  with pytest.raises(ValueError, match=r"is 3, but there are 4 .* 4 classes"):
    methods.check(config, ("itq",), _inputs().data)


def test_a_fine_tuning_batch_is_split_over_the_devices():
  config = config_lib.base_config()
  config.features.fine_tuning.num_epochs = 1
  config.features.fine_tuning.batch_size = 3
  with pytest.raises(ValueError, match=r"is 3, .* 8 devices: choose a mult"):
    methods.check(config, ("dsth",), _inputs().data)


def test_views_are_asked_of_images():
  config = config_lib.base_config()
  data = _inputs(with_images=False).data
  with pytest.raises(ValueError, match=r"^cibhash learns from .*data\.name"):
    methods.check(config, ("cibhash",), data)
  config.features.file = "features.npy"
  methods.check(config, ("bihalf",), _inputs().data)
  for name in ("cibhash", "deepbit"):
    with pytest.raises(ValueError, match=f"^{name} .*name a backbone .*file"):
      methods.check(config, (name,), _inputs().data)


def test_a_methods_own_settings_come_from_the_config():
  config = config_lib.base_config()
  config.baselines.itq.num_iters = 7
  assert methods.fitting(config, _inputs(), "itq").keywords["num_iters"] == 7


def test_only_supervised_methods_need_class_labels(monkeypatch):
  monkeypatch.setitem(
    BASELINES, "taught", Baseline(BASELINES["lsh"].fit, supervised=True)
  )
  for labels, reason in (
    (None, "the images have none"),
    (np.eye(6, dtype=bool), "an image may have several"),
    (np.array([1, 0, -1, -1, -1, -1]), "the training images have none"),
  ):
    data = _inputs(labels=labels).data
    methods.check(CONFIG, ("dsth", "lsh"), data)
    with pytest.raises(ValueError, match=f"class labels, but {reason}: leave"):
      methods.check(CONFIG, ("lsh", "taught"), data)
  # Queries and some of the training images may be without a label.
  for unknown in ((), (1,), (3, 5)):
    labels = np.where(np.isin(np.arange(6), unknown), -1, LABELS)
    methods.check(CONFIG, ("taught",), _inputs(labels=labels).data)


@pytest.mark.parametrize("is_supervised", [True, False])
def test_images_without_a_label_are_left_out_by_supervised_methods(
  monkeypatch, is_supervised
):
  """Rows 3 and 5 of the training images 2 .. 5 have no label."""

  def fit(seen, labels=None, *, num_bits, key, features, views):
    return seen, labels, features, views

  method = Baseline(
    fit, supervised=is_supervised, needs_features=True, views=lambda x, k: x
  )
  monkeypatch.setitem(BASELINES, "recorder", method)
  labels = np.where(np.isin(np.arange(6), (3, 5)), -1, LABELS)
  views = {"recorder": types.SimpleNamespace(points=np.arange(4)[:, None] + 2)}
  inputs = _inputs(labels=labels)._replace(views=views)
  seen, found, *others = methods.fitting(CONFIG, inputs, "recorder")()
  expected = [2, 4] if is_supervised else [2, 3, 4, 5]
  for rows in (seen, *others):
    np.testing.assert_array_equal(rows[:, 0], expected)
  assert (found is None) != is_supervised
  if is_supervised:
    np.testing.assert_array_equal(found, LABELS[expected])
  count = methods.num_labels(CONFIG, "recorder", inputs.data)
  assert count == (2 if is_supervised else 0)


def test_images_are_asked_of_what_sees_them(monkeypatch):
  monkeypatch.setitem(
    BASELINES, "deep", Baseline(BASELINES["lsh"].fit, inputs="images")
  )
  data = _inputs(with_images=False).data
  methods.check(CONFIG, ("lsh",), data)
  for name in ("deep", "dsth", "dsth_paper"):
    with pytest.raises(ValueError, match=f"{name} learns from images, but"):
      methods.check(CONFIG, ("lsh", name), data)
    methods.check(CONFIG, (name,), _inputs().data)
