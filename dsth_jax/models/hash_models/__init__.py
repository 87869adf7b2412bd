"""The hash networks, which learn the hash labels."""

from dsth_jax.models.hash_models import simplenet

HASH_MODELS = {"simplenet": simplenet.SimpleNet}
