"""The paper's own settings, where the recommended ones differ."""

from ml_collections import ConfigDict


def use_paper_labels(config: ConfigDict) -> ConfigDict:
  """Makes the paper's hash labels: one eigenvector a bit, cut at its mean.

  The graph stays the union of Eq. 1: the mutual neighbors of Eq. 7 fall into
  hundreds of components on real features (`--config.graph.symmetrize=mutual`
  shows it).
  """
  config.labels.method = "eigenvectors"
  config.labels.threshold = "mean"
  return config


def use_paper_schedule(config: ConfigDict) -> ConfigDict:
  """Trains as the paper does (section IV-C): SGD, 70,000 steps."""
  config.train.optimizer = "sgd"
  config.train.schedule = "piecewise"
  config.train.weight_decay = 0.004
  config.train.averaging = 0.0
  return config
