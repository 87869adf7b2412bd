"""The hash networks, which learn the hash labels; a file and a line each."""

from dsth_jax.models.hash_models import frozen_backbone, simplenet, trunk
from dsth_jax.models.hash_models.hash_model import HashModel

__all__ = ["DEFAULT", "HASH_MODELS", "HashModel"]

HASH_MODELS = {
  "simplenet": HashModel(
    simplenet.SimpleNet, trunk.preprocess, tuple(trunk.WIDTHS)
  ),
  "frozen_backbone": HashModel(
    frozen_backbone.FrozenBackbone,
    frozen_backbone.preprocess,
    image_sizes=(),
    inputs="features",
  ),
}
# What learns where nothing else is asked for.
DEFAULT = "simplenet"
