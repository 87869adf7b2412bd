"""What cannot be compared, and features without images."""

import numpy as np
import pytest

from dsth_jax import comparison
from dsth_jax import config as config_lib
from dsth_jax.baselines import BASELINES, Baseline

pytestmark = pytest.mark.usefixtures("undrawn")


def _config(data_dir, *methods):
  config = config_lib.base_config()
  config.data.data_dir = str(data_dir)
  config.compare.methods = methods
  config.compare.num_bits, config.compare.seeds = (16,), (0,)
  return config


def _only_features(directory, features, *methods):
  """Configures digits of which only features and classes are there."""
  from sklearn.datasets import load_digits

  np.save(directory / "features.npy", features)
  np.save(directory / "labels.npy", load_digits().target)
  config = _config(directory, *methods)
  config.data.name = "features"
  config.data.labels_file = str(directory / "labels.npy")
  config.features.file = str(directory / "features.npy")
  return config


def test_too_few_images_for_dsth_are_refused_before_any_work(
  data_dir, tmp_path
):
  config = _config(data_dir, "lsh", "dsth_paper")
  config.data.num_queries = 1782
  with pytest.raises(
    ValueError, match=r"15 training images.* 17 for num_bits=16"
  ):
    comparison.run(config, tmp_path)
  assert not (tmp_path / "features").exists()
  config.compare.methods = ("lsh",)
  comparison.refuse_failures(comparison.run(config, tmp_path))


def test_only_features_give_what_the_images_give(data_dir, tmp_path):
  whole = comparison.run(_config(data_dir, "lsh", "itq"), tmp_path / "whole")
  features = np.load(
    tmp_path / "whole" / "features" / "pixels" / "features.npy"
  )
  config = _only_features(tmp_path, features, "lsh", "itq")
  without_images = comparison.run(config, tmp_path / "without_images")
  assert without_images["ceiling"] == whole["ceiling"]
  for method in ("lsh", "itq"):
    found, expected = (
      results["methods"][method]["16"]["mean"]["precision_at_recall"]
      for results in (without_images, whole)
    )
    assert found == expected


@pytest.mark.parametrize("method", ["dsth", "deep"])
def test_without_images_what_sees_them_is_refused_before_any_work(
  tmp_path, monkeypatch, method
):
  deep = Baseline(BASELINES["lsh"].fit, inputs="images")
  monkeypatch.setitem(BASELINES, "deep", deep)
  features = np.ones((1797, 4), np.float32)
  config = _only_features(tmp_path, features, "lsh", method)
  with pytest.raises(ValueError, match=f"{method} learns from images"):
    comparison.run(config, tmp_path / "run")
  assert not (tmp_path / "run" / "cells").exists()


def test_without_class_labels_there_is_nothing_to_compare(data_dir, tmp_path):
  config = _config(data_dir, "lsh")
  config.data.ignore_labels = True
  with pytest.raises(ValueError, match="digits has no class labels"):
    comparison.run(config, tmp_path)
  assert not (tmp_path / "features").exists()
