"""Settings that belong together, by what they are for."""

from collections.abc import Collection

from ml_collections import ConfigDict


def use_frozen_backbone(config: ConfigDict) -> ConfigDict:
  """Trains a linear head on the backbone's features.

  For some thousand photographs it retrieves better than SimpleNet trained from
  scratch, and takes seconds; it encodes at the backbone's speed.
  """
  config.model.network = "frozen_backbone"
  config.model.image_size = 0
  config.train.num_epochs = 30
  config.train.batch_size = 128
  config.train.learning_rate = 3e-3
  config.train.mixup = 0.0
  return config


def use_simplenet(config: ConfigDict) -> ConfigDict:
  """Trains SimpleNet on pixels, with the training as it is configured."""
  config.model.network = "simplenet"
  return config


def check_setting(setting: str, settings: Collection[str]) -> None:
  """Raises ValueError for `--config=FILE:setting` with an unknown setting."""
  if setting not in settings:
    raise ValueError(
      f"the configuration was given the setting {setting!r}: choose "
      f"{', '.join(settings)}."
    )
