"""What an experiment has measured, as its tables and figures take it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

# The means over the seeds of comparison.json, by name: those of
# `dsth_jax.metrics.evaluate`, `fit_seconds` and the like.
Metrics = Mapping[str, Any]


class Key(NamedTuple):
  """What one row, point or curve was measured on.

  Attributes:
    dataset: cifar10, cifar100_coarse, cifar100_fine, stl10, oxford105k,
      holidays1m or flickr_logos32.
    backbone: a name in `dsth_jax.models.backbones.BACKBONES`; several are
      joined by "+".
    head: of DSTH's hash network, mlp or slice; "" for other methods.
    activation: of DSTH's hash network, batchnorm, sigmoid or relu; "" for other
      methods.
    labels: whether class labels fine-tuned the backbone.
    method: dsth (the paper's hash labels), dsth_diffusion (this package's), or a
      name in `dsth_jax.baselines.BASELINES`.
    num_bits: of a code.
  """

  dataset: str
  backbone: str
  head: str
  activation: str
  labels: bool
  method: str
  num_bits: int


Measured = Mapping[Key, Metrics]
