"""The networks: hash functions that learn, backbones that describe."""

from dsth_jax.models import simplenet

HASH_MODELS = {"simplenet": simplenet.SimpleNet}
