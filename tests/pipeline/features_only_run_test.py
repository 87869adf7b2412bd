"""Runs on a file of features, without images."""

import numpy as np
import pytest

from dsth_jax import config as config_lib
from dsth_jax import pipeline


def _features_config(tmp_path):
  rng = np.random.default_rng(0)
  np.save(tmp_path / "features.npy", rng.normal(size=(90, 4)))
  np.save(tmp_path / "labels.npy", np.arange(90) % 3)
  config = config_lib.base_config()
  config.data.name = "features"
  config.data.labels_file = str(tmp_path / "labels.npy")
  config.features.file = str(tmp_path / "features.npy")
  config.data.num_queries = 10
  config.num_bits = 16
  config.train.num_epochs = 1
  return config


def test_a_network_that_sees_images_is_refused_before_any_work(tmp_path):
  config = _features_config(tmp_path)
  with pytest.raises(ValueError, match="dsth learns from images"):
    pipeline.run(config, tmp_path / "run")
  assert not (tmp_path / "run" / "graph").exists()


def test_a_network_on_features_needs_no_images(tmp_path):
  config = _features_config(tmp_path)
  config.model.network = "frozen_backbone"
  config.eval.baselines = ("lsh",)
  assert pipeline.run(config, tmp_path / "run")["held_out"]["dsth"]
  assert (tmp_path / "run" / "report" / "index.html").exists()
