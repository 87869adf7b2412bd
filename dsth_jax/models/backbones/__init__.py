"""The backbones, which describe images; a file and a line each."""

from dsth_jax.models.backbones import efficientnet_lite, pixels
from dsth_jax.models.backbones.backbone import Backbone

__all__ = ["BACKBONES", "Backbone"]

BACKBONES = {
  "pixels": Backbone(
    pixels.load, pixels.preprocess, num_features=None, image_size=0
  ),
  "efficientnet_lite0": Backbone(
    efficientnet_lite.load,
    efficientnet_lite.preprocess,
    num_features=efficientnet_lite.NUM_FEATURES,
    image_size=efficientnet_lite.IMAGE_SIZE,
  ),
}
