"""The settings of a command without --config: the handwritten digits."""

from ml_collections import ConfigDict

from dsth_jax.config.base import base_config


def get_config() -> ConfigDict:
  """Returns the default settings as they are."""
  return base_config()
