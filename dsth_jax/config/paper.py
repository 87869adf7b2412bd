"""The paper's settings, where the recommended ones differ.

docs/paper.md lists what the paper states, setting by setting, and what it leaves
open.
"""

from ml_collections import ConfigDict


def use_paper_labels(config: ConfigDict) -> ConfigDict:
  """Makes the paper's hash labels: one eigenvector a bit, cut at its mean.

  Features and graph stay as they are, so that the embedding can be shared with
  other labels of the same run.
  """
  config.labels.method = "eigenvectors"
  config.labels.threshold = "mean"
  return config


def use_paper_settings(config: ConfigDict) -> ConfigDict:
  """Sets all that the paper states, from the features to the thresholds.

  Two things differ. The backbone stays the configuration's: no weights of
  AlexNet, GoogLeNet or VGG16 can be installed (`use_paper_backbone` takes those
  of a file). The graph stays the union of
  Eq. 1: the mutual neighbors of Eq. 7 fall into hundreds of components on real
  features (`--config.graph.symmetrize=mutual` shows it).
  """
  use_paper_labels(config)
  # Section III-A, Eq. 7: the cosine of the features as they are.
  config.features.center = False
  config.features.root = False
  config.graph.num_neighbors = 12
  # Section IV-C: Slice+BatchNorm; Eq. 15: h is ReLU and BatchNorm.
  config.model.network = "simplenet"
  config.model.head = "slice"
  config.model.activation = "batchnorm"
  config.model.norm = True
  config.model.width = 1.0
  # Section III-B: "usually" those of the hash label generating stage.
  config.encode.threshold = "labels"
  return _use_paper_training(config)


def use_paper_backbone(config: ConfigDict, name: str) -> ConfigDict:
  """Describes the images by one of the paper's networks.

  Its weights are a file that `config.features.weights` has to name.

  Args:
    config: changed in place.
    name: "googlenet" (section IV-C, Table III), "vgg16" (section IV-D, Table V)
      or "alexnet".
  """
  config.features.backbone = name
  # The size that the network was trained on.
  config.features.image_size = 0
  return config


def _use_paper_training(config: ConfigDict) -> ConfigDict:
  """Trains as section IV-C does; no augmentation or averaging is mentioned."""
  config.train.optimizer = "sgd"
  config.train.momentum = 0.9
  config.train.weight_decay = 0.004
  config.train.schedule = "piecewise"
  config.train.learning_rates = (0.01, 0.001, 0.0001)
  config.train.stage_steps = (60_000, 5_000, 5_000)
  config.train.flip = False
  config.train.shift = 0
  config.train.mixup = 0.0
  config.train.averaging = 0.0
  return config
