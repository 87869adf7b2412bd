"""The paper's settings, value by value."""

import importlib.util
import pathlib

import flax.traverse_util
import pytest

from dsth_jax import config as config_lib

CIFAR10 = pathlib.Path(__file__).parents[2] / "configs" / "cifar10.py"


def _cifar10(setting):
  spec = importlib.util.spec_from_file_location("cifar10", CIFAR10)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module.get_config(setting)


def _values(config):
  return flax.traverse_util.flatten_dict(config.to_dict(), sep=".")


# What sections III and IV-C state, by docs/paper.md.
STATED = {
  "features.center": False,
  "features.root": False,
  "graph.num_neighbors": 12,
  "labels.method": "eigenvectors",
  "labels.threshold": "mean",
  "model.network": "simplenet",
  "model.head": "slice",
  "model.activation": "batchnorm",
  "model.norm": True,
  "model.width": 1.0,
  "encode.threshold": "labels",
  "train.optimizer": "sgd",
  "train.momentum": 0.9,
  "train.weight_decay": 0.004,
  "train.schedule": "piecewise",
  "train.learning_rates": (0.01, 0.001, 0.0001),
  "train.stage_steps": (60_000, 5_000, 5_000),
  "train.flip": False,
  "train.shift": 0,
  "train.mixup": 0.0,
  "train.averaging": 0.0,
}


@pytest.mark.parametrize("setting", ["wide_simplenet", "frozen_backbone"])
def test_the_papers_settings_are_those_it_states_and_no_others(setting):
  config = _cifar10(setting)
  before = _values(config)
  # Whatever they were.
  config.features.root = True
  config.graph.num_neighbors = 5
  config.model.head, config.model.norm = "mlp", False
  config.train.averaging = 0.9
  after = _values(config_lib.use_paper_settings(config))
  assert after == before | STATED


def test_the_cifar10_setting_is_the_papers():
  config = _cifar10("paper")
  config_lib.validate(config)
  assert _values(config).items() >= STATED.items()
  assert config.num_bits == 48


def test_the_papers_labels_leave_features_and_graph_as_they_are():
  before = _values(config_lib.base_config())
  config = config_lib.use_paper_labels(config_lib.base_config())
  changed = {"labels.method": "eigenvectors", "labels.threshold": "mean"}
  assert _values(config) == before | changed


def test_the_page_names_every_setting():
  page = CIFAR10.parents[1] / "docs" / "paper.md"
  text = page.read_text(encoding="utf-8")
  for name, value in STATED.items():
    shown = f"`{name}={value}`".replace("'", "")
    assert shown in text, shown
