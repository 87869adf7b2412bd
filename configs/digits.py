"""Handwritten digits, with their pixels as features: the default settings.

python -m dsth_jax.main --config=configs/digits.py --workdir=runs/digits

Its figures are in the README.
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config


def get_config() -> ConfigDict:
  """Returns the default settings."""
  return base_config()
