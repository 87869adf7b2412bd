"""Settings that belong together, by what they are for."""

from collections.abc import Collection

from ml_collections import ConfigDict

from dsth_jax.config.paper import use_paper_backbone, use_paper_settings

SETTINGS = ("simplenet", "frozen_backbone", "paper")


def use_published_set(
  config: ConfigDict,
  name: str,
  setting: str,
  *,
  image_size: int,
  paper_backbone: str,
) -> ConfigDict:
  """Retrieves from a set of images with its published queries.

  Args:
    config: changed in place.
    name: in `dsth_jax.datasets.LOADERS`.
    setting: "simplenet" or "frozen_backbone", as this project recommends, or
      "paper".
    image_size: pixels a side that SimpleNet sees, 32 or 96.
    paper_backbone: of the setting "paper".

  Raises:
    ValueError: the setting is unknown.
  """
  check_setting(setting, SETTINGS)
  config.data.name = name
  config.data.protocol = "official"
  config.data.num_queries = 0
  config.features.backbone = "efficientnet_lite0"
  config.features.image_size = 224
  config.features.root = True
  config.model.image_size = image_size
  config.train.num_epochs = 20
  config.train.batch_size = 128
  config.train.flip = True
  # The same share of a small and of a large image.
  config.train.shift = 3 * image_size // 32
  if setting == "frozen_backbone":
    return use_frozen_backbone(config)
  if setting == "paper":
    use_paper_settings(config)
    return use_paper_backbone(config, paper_backbone)
  return config


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
