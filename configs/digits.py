"""Handwritten digits, with their pixels as features: the default settings.

python -m dsth_jax.main --config=configs/digits.py --workdir=runs/digits

46 s on two Zen 3 cores; 32 bits reach an mAP over all ranks of 0.905 for 300
held-out queries (cosine of the pixels: 0.678).
"""

from ml_collections import ConfigDict

from dsth_jax.config import base_config


def get_config() -> ConfigDict:
  """Returns the default settings."""
  return base_config()
