"""The networks: hash networks that learn, backbones that describe."""

from dsth_jax.models.backbones import BACKBONES
from dsth_jax.models.hash_models import HASH_MODELS

__all__ = ["BACKBONES", "HASH_MODELS"]
