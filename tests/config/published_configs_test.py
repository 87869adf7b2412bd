"""Configurations of the paper's data sets, setting by setting."""

import importlib.util
import pathlib

import pytest

from dsth_jax import config as config_lib
from dsth_jax import datasets

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
# Bits, pixels that SimpleNet sees and backbone, by Tables I, III and V.
PAPER = {
  "cifar100_coarse": (48, 32, "googlenet"),
  "cifar100_fine": (48, 32, "googlenet"),
  "stl10": (32, 96, "googlenet"),
  "flickr_logos32": (32, 96, "vgg16"),
  "oxford105k": (32, 96, "vgg16"),
  "holidays1m": (32, 96, "vgg16"),
}
PROTOCOLS = {"holidays1m": "queries-in-database"}


def _load(name, *setting):
  path = CONFIGS / f"{name}.py"
  spec = importlib.util.spec_from_file_location(name, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module.get_config(*setting)


@pytest.mark.parametrize("name", PAPER)
def test_the_paper_setting(name):
  config = _load(name, "paper")
  num_bits, image_size, backbone = PAPER[name]
  assert config.num_bits == num_bits
  assert config.model.image_size == image_size
  assert config.features.backbone == backbone
  assert config.features.image_size == 0
  # What use_paper_settings sets is set already.
  before = config.to_dict()
  assert config_lib.use_paper_settings(config).to_dict() == before


@pytest.mark.parametrize("name", PAPER)
@pytest.mark.parametrize("setting", ["simplenet", "frozen_backbone"])
def test_the_recommended_settings(name, setting):
  config = _load(name, setting)
  config_lib.validate(config)
  assert config.model.network == setting
  assert config.labels.method == "diffusion"
  assert config.features.backbone == "efficientnet_lite0"


@pytest.mark.parametrize("name", PAPER)
def test_every_setting_has_the_published_queries(name):
  for setting in ("simplenet", "frozen_backbone", "paper"):
    config = _load(name, setting)
    assert config.data.name == name
    assert config.data.name in datasets.LOADERS
    assert config.data.protocol == PROTOCOLS.get(name, "official")
    assert config.data.num_queries == 0


@pytest.mark.parametrize(
  ("name", "small"), [("oxford105k", "oxford5k"), ("holidays1m", "holidays")]
)
def test_a_set_without_its_distractors(name, small):
  config = _load(name, small)
  config_lib.validate(config)
  assert config.data.name == small
  assert config.data.name in datasets.LOADERS
  assert config.data.protocol == PROTOCOLS.get(name, "official")
  assert config.graph.search == "exact"


def test_a_part_of_the_training_images_and_features_of_all():
  config = config_lib.base_config()
  config.data.num_training = -1
  with pytest.raises(ValueError, match=r"num_training is -1: set a number"):
    config_lib.validate(config)
  config.data.num_training = 10
  config_lib.validate(config)
  config.features.file = "features.npy"
  with pytest.raises(
    ValueError, match=r"is 10, but config\.features\.file has"
  ):
    config_lib.validate(config)
