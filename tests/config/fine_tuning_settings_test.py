"""What fine-tuning asks of the other settings."""

import pytest

from dsth_jax import config as config_lib
from dsth_jax.models.backbones import BACKBONES


def _config(backbone="efficientnet_lite0", **settings):
  """Settings with fine-tuning on, and some of its own."""
  config = config_lib.base_config()
  config.features.backbone = backbone
  config.features.image_size = 0
  config.features.fine_tuning.update({"num_epochs": 1, **settings})
  return config


@pytest.mark.parametrize(
  ("settings", "sentence"),
  [
    ({"num_epochs": -1}, r"num_epochs is -1: set 0 or more"),
    ({"num_labelled": -1}, r"num_labelled is -1: set 0 or more"),
    ({"weight_decay": -0.1}, r"weight_decay is -0\.1: set 0 or more"),
    ({"learning_rate": 0.0}, r"learning_rate is 0\.0: set a number above 0"),
    ({"batch_size": 0}, r"batch_size is 0: set 1 or more"),
    ({"trainable": "first"}, r"trainable is 'first', but must be one of all"),
  ],
)
def test_impossible_settings_are_refused_in_a_sentence(settings, sentence):
  with pytest.raises(ValueError, match=sentence):
    config_lib.validate(_config(**settings))


def test_joint_backbones_are_all_to_be_trained(tmp_path):
  config_lib.validate(_config("efficientnet_lite0+efficientnet_lite2"))
  (tmp_path / "net.onnx").touch()
  for other in ("pixels", str(tmp_path / "net.onnx")):
    config = _config(f"efficientnet_lite0+{other}")
    with pytest.raises(ValueError, match=f"but {other} has no weights that"):
      config_lib.validate(config)
    config.features.fine_tuning.num_epochs = 0
    config_lib.validate(config)


def test_a_file_of_features_has_nothing_to_train():
  config = _config()
  config.features.file = "features.npy"
  with pytest.raises(ValueError, match=r"features\.file holds finished feat"):
    config_lib.validate(config)
  config.features.fine_tuning.num_epochs = 0
  config_lib.validate(config)


def test_a_backbone_without_named_last_layers_is_trained_whole(monkeypatch):
  record = BACKBONES["efficientnet_lite0"]._replace(last=())
  monkeypatch.setitem(BACKBONES, "whole", record)
  with pytest.raises(ValueError, match="whole does not name its last layers"):
    config_lib.validate(_config("whole"))
  config_lib.validate(_config("whole", trainable="all"))


def test_simplenet_is_trained_from_scratch():
  config_lib.validate(_config("simplenet"))
  with pytest.raises(ValueError, match=r"no pretrained weights: .*num_epochs"):
    config_lib.validate(_config("simplenet", num_epochs=0))
  with pytest.raises(ValueError, match=r"image_size is 32 and .* 96, but"):
    config_lib.validate(_config("simplenet", image_size=96))
  config = _config("simplenet")
  for size, is_taken in ((32, True), (96, True), (64, False)):
    config.features.image_size = size
    if is_taken:
      config_lib.validate(config)
      continue
    with pytest.raises(ValueError, match=r"64 .* takes 32 or 96 pixels a side"):
      config_lib.validate(config)


def test_simplenet_takes_no_file_of_weights(tmp_path):
  (tmp_path / "net.pth").touch()
  config = _config("simplenet")
  config.features.weights = str(tmp_path / "net.pth")
  with pytest.raises(ValueError, match=r"net\.pth for simplenet, which is tr"):
    config_lib.validate(config)
