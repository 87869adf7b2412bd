"""Settings: one clear sentence for what cannot work."""

import importlib.util
import inspect
import pathlib

import pytest

from dsth_jax import config as config_lib
from dsth_jax.baselines import BASELINES, greedyhash

CONFIGS = sorted((pathlib.Path(__file__).parents[2] / "configs").glob("*.py"))


def _load(path):
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def test_the_default_is_valid():
  config = config_lib.base_config()
  before = config.to_dict()
  config_lib.validate(config)
  assert config.to_dict() == before


def test_frozen_backbone_refuses_an_image_size_that_is_not_the_backbones():
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.model.image_size = 96
  with pytest.raises(ValueError, match=r"96, but frozen_backbone sees what"):
    config_lib.validate(config)
  config.features.image_size = 96
  config_lib.validate(config)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_an_unknown_setting_of_a_config_is_refused(path):
  get_config = _load(path).get_config
  if not inspect.signature(get_config).parameters:
    pytest.skip("it has one setting")
  with pytest.raises(ValueError, match="'recomended': choose "):
    get_config("recomended")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_is_valid_and_says_how_to_run_it(path):
  module = _load(path)
  config = module.get_config()
  if config.data.name == "image_folder":
    config.data.root = "PHOTOGRAPHS"
  config_lib.validate(config)
  assert f"--config=configs/{path.name}" in module.__doc__


def test_a_mistyped_field_is_refused():
  config = config_lib.base_config()
  with pytest.raises(AttributeError, match="num_bit"):
    config.num_bit = 16


def test_a_wrong_type_is_refused():
  config = config_lib.base_config()
  with pytest.raises(TypeError, match="num_bits"):
    config.num_bits = "many"


def test_only_simplenet_needs_bits_that_fill_the_slices():
  config = config_lib.base_config()
  config.compare.num_bits = (16, 24)
  config_lib.validate(config)
  config.compare.methods = ("lsh", "dsth_paper")
  with pytest.raises(ValueError, match=r"num_bits is 24.*multiple of 16"):
    config_lib.validate(config)
  config.model.network = "frozen_backbone"
  config_lib.validate(config)
  config.model.network, config.model.head = "simplenet", "mlp"
  config_lib.validate(config)


def test_dsth_is_compared_with_both_networks():
  config = config_lib.base_config()
  before = config.to_dict()
  heads = config_lib.dsth_settings(config, "dsth_frozen_backbone")
  assert heads.model.network == "frozen_backbone"
  assert config.to_dict() == before
  pixels = config_lib.dsth_settings(heads, "dsth_simplenet")
  assert pixels.model.network == "simplenet"
  assert config_lib.dsth_settings(config, "dsth").to_dict() == before
  config.compare.methods = ("dsth_simplenet",)
  config_lib.use_frozen_backbone(config)
  config.model.image_size = config.features.image_size = 64
  with pytest.raises(ValueError, match=r"image_size is 64: simplenet takes"):
    config_lib.validate(config)


def test_every_baseline_is_of_one_kind():
  kinds = (config_lib.SHALLOW, config_lib.HEADS, config_lib.FROM_PIXELS)
  named = [name for kind in kinds for name in kind]
  assert sorted(named) == sorted(BASELINES)
  assert "itq" in config_lib.SHALLOW
  assert "bihalf" in config_lib.HEADS
  assert "bihalf_simplenet" in config_lib.FROM_PIXELS


def test_a_setting_without_a_value_keeps_its_type():
  config = config_lib.base_config()
  assert config.baselines.sklsh.bandwidth is None
  assert '"bandwidth": null' in config.to_json()
  with pytest.raises(TypeError, match="bandwidth"):
    config.baselines.sklsh.bandwidth = "wide"
  config.baselines.sklsh.bandwidth = 2.5
  assert config.baselines.sklsh.to_dict()["bandwidth"] == 2.5


def test_every_setting_of_a_baseline_is_a_field():
  settings = config_lib.base_config().baselines
  assert set(settings) == set(BASELINES)
  assert settings.itq.to_dict() == {"num_iters": 50}
  assert settings.lsh.to_dict() == {}
  assert settings.greedyhash.penalty == 0.1
  assert settings.greedyhash.recipe.to_dict() == greedyhash.RECIPE._asdict()
  from_pixels = settings.greedyhash_simplenet.recipe
  assert from_pixels.network == "simplenet"
  with pytest.raises(AttributeError, match="num_iter"):
    settings.itq.num_iter = 3
  with pytest.raises(TypeError, match="num_iters"):
    settings.itq.num_iters = "many"


@pytest.mark.parametrize(
  ("field", "value", "sentence"),
  [
    ("num_bits", 0, "num_bits is 0: set 1 or more"),
    ("num_bits", 40, "num_bits is 40.*multiple of 16"),
    ("model.head", "slices", "did you mean slice"),
    ("model.activation", "tanh", "batchnorm, identity, relu, sigmoid"),
    ("model.image_size", 64, "model.image_size is 64.*32 or 96"),
    ("model.network", "simplnet", "did you mean simplenet"),
    ("model.hidden_sizes", (0,), "widths are whole numbers from 1 on"),
    ("model.input_noise", -1.0, "the noise cannot be negative"),
    ("features.backbone", "vgg", "features.backbone is 'vgg'"),
    ("features.backbone", "nowhere.onnx", "nowhere.onnx, which is no file"),
    ("features.image_size", -1, "features.image_size is -1"),
    ("features.resized_size", 7, "is 7, but the backbone sees 8 pixels a side"),
    ("features.resized_size", -1, "features.resized_size is -1"),
    ("features.image_size", 0, "pixels takes images of any size: name one"),
    ("data.protocol", "oficial", "did you mean official"),
    ("data.name", "image_folder", "data.root is empty"),
    ("labels.threshold", "zero", "labels.threshold is 'zero'"),
    ("graph.symmetrize", "both", "mutual, union"),
    ("train.averaging", 1.0, "averaging is 1.0"),
    ("train.mixup", -0.1, "mixup is -0.1"),
    ("model.width", 0.0, "width is 0.0"),
    ("features.dtype", "float64", "float16, float32"),
    ("train.stage_steps", (1,), "learning_rates has 3 values for the 1"),
    ("train.optimizer", "adam", "did you mean adamw"),
    ("eval.baselines", ("itqq",), "did you mean itq"),
    ("encode.engine", "tensorrt", "auto, jit, onnx"),
    ("data.name", "features", "both config.features.file and .*labels_file"),
    ("compare.methods", ("dsht",), "did you mean dsth"),
    ("compare.methods", (), r"compare.methods is \(\): name one or more"),
    ("compare.num_bits", (16, 0), "compare.num_bits holds 0: whole numbers"),
    ("compare.num_bits", ("16",), "compare.num_bits holds '16'"),
    ("compare.seeds", (0, -1), "compare.seeds holds -1: .* from 0 on"),
    ("compare.seeds", (0, 1, 0), "seeds is .*each of them once"),
    ("compare.num_queries", -1, "num_queries is -1"),
    ("compare.num_views", 1, "num_views is 1: set 2 or more"),
  ],
)
def test_impossible_settings_are_refused(field, value, sentence):
  config = config_lib.base_config()
  section, _, name = field.rpartition(".")
  (config[section] if section else config)[name] = value
  with pytest.raises(ValueError, match=sentence):
    config_lib.validate(config)
