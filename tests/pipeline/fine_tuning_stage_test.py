"""Fine-tuning as a stage: its artifact, what it uses, and what follows it."""

import types

import jax
import numpy as np
import pytest
from support.tiny_backbone import TINY_BACKBONE

from dsth_jax import config as config_lib
from dsth_jax import train
from dsth_jax.models.backbones import BACKBONES
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import (
  fine_tuning,
  labelled_images,
  run_dsth,
  view_extraction,
)
from dsth_jax.pipeline.workdir import Workdir


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
  monkeypatch.setitem(BACKBONES, "tiny", TINY_BACKBONE)


@pytest.fixture
def config(data_dir):
  config = config_lib.base_config()
  config.data.data_dir = str(data_dir)
  config.features.backbone = "tiny"
  config.features.batch_size = 900
  config.features.fine_tuning.num_epochs = 3
  config.features.fine_tuning.num_labelled = 320
  config.features.fine_tuning.learning_rate = 0.03
  config.features.fine_tuning.shift = 0
  config.train.checkpoint_seconds = 0.0
  return config


def _tune(config, path):
  workdir = Workdir(path)
  fine_tuning.tune_backbones(workdir, config, data_lib.load(workdir, config))


def _inputs(config, path):
  workdir = Workdir(path)
  data = data_lib.load(workdir, config)
  inputs = run_dsth.make_inputs(workdir, config, data, ("itq",))
  return workdir, inputs


def _arrays(path):
  files = sorted((path / "fine_tuning" / "tiny").glob("*.npy"))
  assert files
  return {file.stem: np.load(file) for file in files}


def test_the_trained_backbone_describes_the_images(config, tmp_path):
  _, inputs = _inputs(config, tmp_path / "tuned")
  off = config.copy_and_resolve_references()
  off.features.fine_tuning.num_epochs = 0
  _, untuned = _inputs(off, tmp_path / "untuned")
  assert untuned.features.tuned == {}
  assert fine_tuning.measure(off, untuned.data, untuned.features) == {}
  [tuned], [plain] = inputs.features.blocks, untuned.features.blocks
  assert np.abs(tuned - plain).max() > 0.1
  # The artifact's variables are those that have described the images.
  variables = inputs.features.tuned_variables()["tiny"]
  pixels = np.stack([inputs.data.dataset.images[row] for row in range(20)])
  expected = TINY_BACKBONE.network("").module.apply(
    variables, TINY_BACKBONE.preprocess(pixels)
  )
  np.testing.assert_allclose(tuned[:20], expected, atol=1e-4)


def test_the_accuracy_is_that_of_the_queries(config, tmp_path):
  _, inputs = _inputs(config, tmp_path)
  found = fine_tuning.measure(config, inputs.data, inputs.features)["tiny"]
  arrays = _arrays(tmp_path)
  query = inputs.data.splits.query
  logits = inputs.features.blocks[0][query] @ arrays["classifier.kernel"]
  predicted = np.argmax(logits + arrays["classifier.bias"], axis=1)
  classes = inputs.data.dataset.ground_truth.classes[query]
  assert found == {
    "fine_tuning.accuracy": np.mean(predicted == classes),
    "num_queries": len(query),
    "num_labels": 320,
    "num_classes": 10,
  }
  # Chance is 0.1.
  assert found["fine_tuning.accuracy"] > 0.4


def test_views_are_described_by_the_trained_backbone(config, tmp_path):
  workdir, inputs = _inputs(config, tmp_path)
  views = view_extraction.extract_views(
    workdir, config, inputs.data, inputs.features, "itq", _unchanged
  )
  expected = inputs.features.points[inputs.data.splits.training]
  np.testing.assert_allclose(views.points[:, 0], expected, atol=1e-5)


def _unchanged(images, key):
  del key
  return images


def test_the_labels_of_a_part_are_of_training_images_only(config, tmp_path):
  data = data_lib.load(Workdir(tmp_path), config)
  rows, classes = labelled_images.draw(config, data)
  assert len(rows) == labelled_images.count(config, data) == 320
  assert set(rows) <= set(data.splits.training)
  assert not set(rows) & set(data.splits.query)
  np.testing.assert_array_equal(
    classes, data.dataset.ground_truth.classes[rows]
  )
  # 1,497 training images of ten classes that are about as large.
  assert np.ptp(np.bincount(classes)) <= 3


def test_images_without_a_label_are_left_out(config, tmp_path):
  data = data_lib.load(Workdir(tmp_path), config)
  classes = data.dataset.ground_truth.classes.copy()
  unlabelled = data.splits.training[::3]
  classes[unlabelled] = -1
  data = data._replace(
    dataset=data.dataset._replace(
      ground_truth=types.SimpleNamespace(classes=classes)
    )
  )
  config.features.fine_tuning.num_labelled = 0
  rows, _ = labelled_images.draw(config, data)
  expected = np.setdiff1d(data.splits.training, unlabelled)
  np.testing.assert_array_equal(rows, expected)
  assert labelled_images.count(config, data) == len(expected)


@pytest.mark.slow
def test_a_killed_training_ends_as_an_uninterrupted_one(
  config, tmp_path, monkeypatch
):
  _tune(config, tmp_path / "whole")
  fit = train.fit

  def killed(*args, **settings):
    for number, pair in enumerate(fit(*args, **settings), 1):
      yield pair
      if number == 17:
        raise KeyboardInterrupt

  monkeypatch.setattr(train, "fit", killed)
  with pytest.raises(KeyboardInterrupt):
    _tune(config, tmp_path / "killed")
  assert not (tmp_path / "killed" / "fine_tuning" / "tiny").exists()
  taken = []

  def counted(state, *args, **settings):
    taken.append(int(state.step))
    return fit(state, *args, **settings)

  monkeypatch.setattr(train, "fit", counted)
  _tune(config, tmp_path / "killed")
  assert taken == [17]
  whole, resumed = _arrays(tmp_path / "whole"), _arrays(tmp_path / "killed")
  assert whole.keys() == resumed.keys()
  for name, array in whole.items():
    np.testing.assert_array_equal(resumed[name], array, err_msg=name)


def test_a_training_that_diverges_names_its_own_learning_rate(config, tmp_path):
  config.features.fine_tuning.learning_rate = 1e30
  with pytest.raises(
    ValueError,
    match=r"fine_tuning/tiny has diverged.*Lower features\.fine_tuning\.learni",
  ):
    _tune(config, tmp_path)


def test_only_what_follows_from_a_setting_is_made_again(config, tmp_path):
  def made():
    stages = _inputs(config, tmp_path)[0].stages
    return {name for name, stage in stages.items() if not stage["reused"]}

  both = {"fine_tuning/tiny", "features/tiny"}
  assert made() == {"data", "splits", *both}
  # These decide what is seen of this training, not what it ends in.
  config.train.log_every = 7
  config.train.num_epochs = 77
  assert made() == {"data"}
  config.features.fine_tuning.num_labelled = 32
  assert made() == {"data", *both}
  config.features.dtype = "float16"
  assert made() == {"data", "features/tiny"}
  config.features.fine_tuning.num_epochs = 0
  assert made() == {"data", "features/tiny"}


def test_the_last_layers_are_trained_or_all(config, tmp_path):
  before = TINY_BACKBONE.network("").variables["params"]

  def unchanged():
    _tune(config, tmp_path)
    arrays = _arrays(tmp_path)
    return {
      layer
      for layer in before
      if all(
        np.array_equal(arrays[f"variables.params.{layer}.{name}"], array)
        for name, array in before[layer].items()
      )
    }

  assert unchanged() == {"first", "norm"}
  config.features.fine_tuning.trainable = "all"
  assert unchanged() == set()


@pytest.mark.slow
def test_simplenet_is_trained_from_scratch_by_the_runs_seed(config, tmp_path):
  config.features.backbone, config.features.image_size = "simplenet", 32
  config.features.fine_tuning.learning_rate = 3e-3
  first = {}
  for seed in (0, 1):
    config.seed = seed
    _, inputs = _inputs(config, tmp_path / str(seed))
    found = fine_tuning.measure(config, inputs.data, inputs.features)
    assert found["simplenet"]["fine_tuning.accuracy"] > 0.8
    first[seed] = inputs.features.tuned_variables()["simplenet"]
  for collection in ("params", "batch_stats"):
    assert not np.array_equal(*(_flat(first[s][collection]) for s in first))


def _flat(tree):
  return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])
