"""A training that diverges or collapses says so, and what to do."""

import json
import types

import jax.numpy as jnp
import numpy as np
import pytest
from absl import logging

from dsth_jax import config as config_lib
from dsth_jax import datasets, pipeline
from dsth_jax.metrics import code_statistics
from dsth_jax.pipeline import (
  collapse,
  data,
  encoding,
  inputs,
  run_dsth,
  training_log,
)


@pytest.fixture
def config(data_dir):
  """The digits by a head on few of them, without baselines."""
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.data.data_dir = str(data_dir)
  config.data.num_training = 150
  config.data.num_queries = 50
  config.num_bits = 16
  config.train.num_epochs, config.train.batch_size = 2, 32
  config.eval.baselines = ()
  return config


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_ends_the_training(tmp_path, value):
  log = training_log.TrainingLog(
    tmp_path, name="training", log_every=2, batch_size=4, start=0, total=9
  )
  log.update(jnp.float32(value))  # Is not read yet.
  with pytest.raises(training_log.DivergedError) as caught:
    log.update(jnp.float32(value))
  log.close()
  assert caught.value.step == 2


def test_a_learning_rate_that_is_too_high_is_the_advice(config, tmp_path):
  config.train.learning_rate = 1e30
  with pytest.raises(
    ValueError, match=r"diverged.*\. Lower train\.learning_ra"
  ):
    pipeline.run(config, tmp_path)
  assert (tmp_path / "labels" / "codes.npy").exists()
  assert not (tmp_path / "training").exists()


@pytest.mark.slow
def test_equal_codes_end_the_run_after_all_is_written(
  config, tmp_path, monkeypatch
):
  def equal(config, inputs, trained):
    del trained
    return np.zeros((len(inputs.data.dataset.names), config.num_bits))

  monkeypatch.setattr(encoding, "_values", equal)
  with pytest.raises(ValueError, match="all 150 images have the same code"):
    pipeline.run(config, tmp_path)
  page = (tmp_path / "report" / "index.html").read_text("utf-8")
  assert "All 150 images have the same code" in page
  assert json.loads((tmp_path / "metrics.json").read_text())["held_out"]


def test_only_equal_codes_are_refused(caplog):
  config = config_lib.base_config()
  packed = np.array([[7], [7], [5]], np.uint8)
  with caplog.at_level(logging.WARNING):
    collapse.refuse(config, code_statistics(packed, num_bits=8), "page")
  assert "7 of the 32 bits are the same for every image" in caplog.text
  with pytest.raises(ValueError, match="all 2 images have the same code"):
    collapse.refuse(config, code_statistics(packed[:2], num_bits=8), "page")
  # One image has one code.
  collapse.refuse(config, code_statistics(packed[:1], num_bits=8), "page")


def test_a_baseline_that_cannot_be_fitted_leaves_the_others(config, caplog):
  rng = np.random.default_rng(0)
  # 400 points in 5 directions, and 16 bits.
  points = rng.normal(size=(400, 5)) @ rng.normal(size=(5, 20))
  config.eval.baselines = ("itq", "lsh")
  dataset = types.SimpleNamespace(ground_truth=None)
  splits = datasets.Splits(np.arange(9), np.arange(9, 400), np.arange(9, 400))
  found = run_dsth._encode_baselines(
    config,
    inputs.Inputs(
      data.Data(dataset, splits, None),
      types.SimpleNamespace(points=points.astype(np.float32)),
      None,
    ),
  )
  assert {name: rows.shape for name, rows in found.packed.items()} == {
    "lsh": (400, 2)
  }
  assert "5 principal components" in found.not_fitted["itq"]
  assert "The baseline itq cannot be fitted" in caplog.text
