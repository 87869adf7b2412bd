"""The backbones, which describe images."""

from dsth_jax.models.backbones import efficientnet_lite

# What loads a network with its ImageNet weights, as a function of pixels, and
# how many features it gives.
BACKBONES = {
  "efficientnet_lite0": (
    efficientnet_lite.imagenet_features,
    efficientnet_lite.NUM_FEATURES,
  )
}
