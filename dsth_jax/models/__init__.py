"""The networks: hash functions that learn, backbones that describe."""

from dsth_jax.models import efficientnet_lite, simplenet

HASH_MODELS = {"simplenet": simplenet.SimpleNet}

# What loads a network with its ImageNet weights, as a function of pixels, and
# how many features it gives.
BACKBONES = {
  "efficientnet_lite0": (
    efficientnet_lite.imagenet_features,
    efficientnet_lite.NUM_FEATURES,
  )
}
