"""The backbones, which describe images; a file and a line each."""

import functools

from dsth_jax.models.backbones import efficientnet_lite, pixels, simplenet
from dsth_jax.models.backbones.backbone import Backbone, Network
from dsth_jax.models.hash_models import trunk

__all__ = ["BACKBONES", "Backbone", "Network"]


def _efficientnet_lite(variant: efficientnet_lite.Variant) -> Backbone:
  return Backbone(
    functools.partial(efficientnet_lite.load, variant),
    efficientnet_lite.preprocess,
    num_features=efficientnet_lite.NUM_FEATURES,
    image_size=variant.image_size,
    network=functools.partial(efficientnet_lite.load_network, variant),
    last=efficientnet_lite.last_layers(variant),
  )


BACKBONES = {
  "pixels": Backbone(
    pixels.load, pixels.preprocess, num_features=None, image_size=0
  ),
  "efficientnet_lite0": _efficientnet_lite(efficientnet_lite.LITE0),
  "efficientnet_lite1": _efficientnet_lite(efficientnet_lite.LITE1),
  "efficientnet_lite2": _efficientnet_lite(efficientnet_lite.LITE2),
  "simplenet": Backbone(
    simplenet.load,
    trunk.preprocess,
    num_features=simplenet.NUM_FEATURES,
    image_size=32,
    network=simplenet.load_network,
    is_pretrained=False,
  ),
}
