"""DSTH in a comparison."""

import json

import numpy as np
import pytest

from dsth_jax import codes, comparison, metrics, pipeline
from dsth_jax import config as config_lib
from dsth_jax.ground_truth import GroundTruth

# Two networks are trained, and more in two of the tests.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("undrawn")]


def _config(data_dir):
  """One short epoch: what is judged here is the way, not the network."""
  config = config_lib.base_config()
  config.data.data_dir = str(data_dir)
  config.train.num_epochs = 1
  config.compare.methods = ("dsth", "dsth_paper")
  config.compare.num_bits = (16,)
  config.compare.seeds = (3,)
  return config


@pytest.fixture(scope="module")
def finished(data_dir, tmp_path_factory):
  workdir = tmp_path_factory.mktemp("comparison")
  return workdir, comparison.run(_config(data_dir), workdir)


def test_frozen_backbone_is_compared_without_pixels(data_dir, tmp_path):
  config = config_lib.use_frozen_backbone(_config(data_dir))
  config.train.num_epochs = 2
  config.compare.methods = ("dsth", "itq")
  comparison.run(config, tmp_path)
  assert not (tmp_path / "pixels").exists()
  scores = [
    _cell(tmp_path, f"{method}-16-3")["metrics"]["mean_average_precision"]
    for method in config.compare.methods
  ]
  assert min(scores) > 0.4


def _load(directory):
  return {path.stem: np.load(path) for path in directory.glob("*.npy")}


def _cell(workdir, name):
  return json.loads((workdir / "cells" / name / "outcome.json").read_text())


def test_both_methods_cut_one_embedding_each_by_its_rule(finished):
  shared = finished[0] / "dsth" / "16-3"
  vectors = _load(shared / "embedding")["vectors"]
  paper = _load(shared / "dsth_paper" / "labels")["codes"]
  np.testing.assert_array_equal(
    paper, codes.binarize(vectors, codes.mean_thresholds(vectors))
  )
  diffusion = _load(shared / "dsth" / "labels")["codes"]
  assert (diffusion != paper).any()


@pytest.mark.parametrize("method", ["dsth", "dsth_paper"])
def test_a_cell_judges_the_codes_of_its_hash_function(finished, method):
  workdir, results = finished
  packed = _load(workdir / "dsth" / "16-3" / method / "codes")["packed"]
  splits = _load(workdir / "splits")
  from sklearn.datasets import load_digits

  labels = load_digits().target
  expected = metrics.evaluate(
    packed[splits["query"]],
    packed[splits["database"]],
    GroundTruth.from_labels(
      labels[splits["query"]], labels[splits["database"]]
    ),
    num_bits=16,
  )
  cell = _cell(workdir, f"{method}-16-3")
  assert cell["metrics"] == expected
  mean = results["methods"][method]["16"]["mean"]
  assert mean["nc3p"] == expected["nc3p"]


def test_the_time_of_a_fit_is_that_of_its_stages(finished):
  workdir, _ = finished
  cell = _cell(workdir, "dsth-16-3")
  shared = workdir / "dsth" / "16-3"
  stages = {
    name: entry
    for directory in (workdir, shared, shared / "dsth")
    for name, entry in json.loads(
      (directory / "stages.json").read_text()
    ).items()
  }
  parts = ("graph", "embedding", "labels", "training")
  expected = sum(stages[name]["seconds"] for name in parts)
  assert cell["fit_seconds"] == pytest.approx(expected)


def test_a_changed_seed_has_codes_and_labels_of_its_own(finished, data_dir):
  workdir, _ = finished
  config = _config(data_dir)
  config.compare.methods, config.compare.seeds = ("dsth",), (3, 4)
  comparison.run(config, workdir)
  found = [
    _load(workdir / "dsth" / f"16-{seed}" / "dsth" / "labels")["codes"]
    for seed in (3, 4)
  ]
  assert (found[0] != found[1]).any()
  splits = _load(workdir / "splits")
  assert len(splits["query"]) == 300


def test_a_run_and_a_comparison_agree(finished, data_dir, tmp_path):
  workdir, _ = finished
  config = _config(data_dir)
  config.num_bits = 16
  config.eval.num_training_queries = 10
  held_out = pipeline.run(config, tmp_path / "run")["held_out"]
  config.compare.seeds = (config.seed,)
  config.compare.methods = ("dsth", "lsh", "itq")
  results = comparison.run(config, workdir)
  assert held_out.pop("cosine") == results["ceiling"]
  for method, expected in held_out.items():
    cell = _cell(workdir, f"{method}-16-0")
    assert cell["metrics"] == expected
  np.testing.assert_array_equal(
    _load(tmp_path / "run" / "codes")["packed"],
    _load(workdir / "dsth" / "16-0" / "dsth" / "codes")["packed"],
  )
