"""The database rows that are relevant to a query, and those that are ignored."""

from dsth_jax.ground_truth.ground_truth import GroundTruth
from dsth_jax.ground_truth.labels import share_label

__all__ = ["GroundTruth", "share_label"]
