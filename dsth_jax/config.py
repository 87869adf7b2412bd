"""Every setting of a run, once, with its meaning.

`base_config()` is the embedded default: the handwritten digits, in under a
minute on two cores. A file in `configs/` states only its difference to it.
"""

import difflib
from collections.abc import Collection, Iterator
from typing import Any

from ml_collections import ConfigDict

from dsth_jax import (
  baselines,
  codes,
  datasets,
  encode,
  models,
  spectral,
  train,
)
from dsth_jax.models import heads, simplenet


def base_config() -> ConfigDict:
  """Returns the default settings, locked: a mistyped field raises."""
  config = ConfigDict()
  # All randomness of a run follows from this number.
  config.seed = 0
  # Bits of a code. The slice head wants a multiple of its groups.
  config.num_bits = 32
  config.data = _data()
  config.features = _features()
  config.graph = _graph()
  config.spectral = _spectral()
  config.labels = _labels()
  config.model = _model()
  config.train = _train()
  config.encode = _encode()
  config.eval = _eval()
  return config.lock()


def _data() -> ConfigDict:
  data = ConfigDict()
  # digits, image_folder, or the name of a prepared TFDS set.
  data.name = "digits"
  # The folder of images, for image_folder.
  data.root = ""
  # Where prepared data lies; empty for TFDS's own default.
  data.data_dir = ""
  # Who queries whom: see dsth_jax.datasets.PROTOCOLS.
  data.protocol = "holdout"
  # Queries to draw; 0 takes the protocol's own number.
  data.num_queries = 300
  # An image with more pixels is skipped.
  data.max_pixels = 100_000_000
  # Larger images are stored with their short side shrunk to this.
  data.stored_size = 256
  return data


def _features() -> ConfigDict:
  features = ConfigDict()
  # pixels, or efficientnet_lite0.
  features.backbone = "pixels"
  # A .npy of features [n d], one row an image, in place of a backbone.
  features.file = ""
  # Pixels a side that the backbone sees.
  features.image_size = 8
  features.batch_size = 32
  # Subtracts the training images' mean from all features.
  features.centre = True
  return features


def _graph() -> ConfigDict:
  graph = ConfigDict()
  # k of the nearest-neighbour graph (mu of section IV-C).
  graph.num_neighbors = 12
  # union (Eq. 1) or mutual (Eq. 7): who counts as a pair of neighbours.
  graph.symmetrize = "union"
  # Joins a graph that falls apart by the best edges between its components.
  graph.connect = True
  return graph


def _spectral() -> ConfigDict:
  spectral = ConfigDict()
  # chebyshev, lobpcg or dense.
  spectral.solver = "chebyshev"
  # The solver stops once ||S u - theta u|| of every pair is below.
  spectral.tol = 1e-5
  spectral.max_iters = 500
  # An embedding with a larger residual ||L v - lambda D v|| is refused.
  spectral.max_residual = 1e-3
  return spectral


def _labels() -> ConfigDict:
  labels = ConfigDict()
  # diffusion: the diffusion rotation; eigenvectors: the paper's one
  # eigenvector a bit.
  labels.method = "diffusion"
  labels.diffusion_time = 8.0
  # Alternations of the rotation.
  labels.num_iters = 50
  # mean (Eq. 14) or median.
  labels.threshold = "mean"
  return labels


def _model() -> ConfigDict:
  model = ConfigDict()
  model.network = "simplenet"
  # 32 or 96 (Table I).
  model.image_size = 32
  # mlp or slice.
  model.head = "slice"
  # batchnorm, sigmoid, identity, or relu (the paper's negative result).
  model.activation = "batchnorm"
  # Batch normalization after every convolution.
  model.norm = True
  return model


def _train() -> ConfigDict:
  train = ConfigDict()
  # adamw or sgd.
  train.optimizer = "adamw"
  # one_cycle: `num_epochs` up to `learning_rate` and down; piecewise:
  # `learning_rates`, each for its `stage_steps`.
  train.schedule = "one_cycle"
  train.num_epochs = 6
  train.learning_rate = 3e-3
  train.learning_rates = (0.01, 0.001, 0.0001)
  train.stage_steps = (60_000, 5_000, 5_000)
  train.momentum = 0.9
  train.weight_decay = 0.01
  train.batch_size = 64
  # Random mirroring, and random shifts of up to so many pixels.
  train.flip = False
  train.shift = 2
  # Share of the running average of the weights that a step keeps; 0: none.
  train.averaging = 0.0
  # Steps between checkpoints, and between lines of the log.
  train.checkpoint_every = 500
  train.log_every = 20
  return train


def _encode() -> ConfigDict:
  encode = ConfigDict()
  encode.batch_size = 256
  # auto, onnx or jit: see dsth_jax.models.inference.
  encode.engine = "auto"
  # mean or median of the network's values over the training images (Eq. 14),
  # half (Eq. 22), or labels: the hash labels' own thresholds.
  encode.threshold = "mean"
  return encode


def _eval() -> ConfigDict:
  evaluation = ConfigDict()
  # K of mAP@K, and the most returned images looked at.
  evaluation.max_rank = 1000
  # Training images whose hash labels are judged against all the others.
  evaluation.num_training_queries = 2000
  # Baselines on the same features; names in dsth_jax.baselines.BASELINES.
  evaluation.baselines = ("lsh", "itq")
  # Rows and columns of the picture sheet.
  evaluation.sheet_queries = 8
  evaluation.sheet_results = 10
  return evaluation


def use_paper_labels(config: ConfigDict) -> ConfigDict:
  """Makes the paper's hash labels: one eigenvector a bit, cut at its mean.

  The graph stays the union of Eq. 1: the mutual neighbours of Eq. 7 fall into
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


def get_config() -> ConfigDict:
  """Makes this file the default of --config."""
  return base_config()


def validate(config: ConfigDict) -> None:
  """Raises ValueError, in one sentence, for settings that cannot work.

  What only the data can tell (too few images, say) is left to the pipeline.
  """
  tables = {
    "data.protocol": datasets.PROTOCOLS,
    "features.backbone": ("pixels", *models.BACKBONES),
    "graph.symmetrize": ("union", "mutual"),
    "spectral.solver": spectral.SOLVERS,
    "labels.method": ("diffusion", "eigenvectors"),
    "labels.threshold": codes.THRESHOLDS,
    "model.network": models.HASH_MODELS,
    "model.head": heads.HEADS,
    "model.activation": heads.ACTIVATIONS,
    "train.optimizer": train.OPTIMIZERS,
    "train.schedule": ("one_cycle", "piecewise"),
    "encode.threshold": ("labels", *encode.THRESHOLDS),
    "encode.engine": ("auto", "onnx", "jit"),
  }
  values = dict(_leaves(config))
  for field, names in tables.items():
    choose(field, values[field], names)
  for name in config.eval.baselines:
    choose("eval.baselines", name, baselines.BASELINES)
  for field in _AT_LEAST_ONE:
    if values[field] < 1:
      raise ValueError(f"config.{field} is {values[field]}: set 1 or more.")
  _validate_combinations(config)


_AT_LEAST_ONE = (
  "num_bits",
  "features.image_size",
  "features.batch_size",
  "graph.num_neighbors",
  "spectral.max_iters",
  "train.num_epochs",
  "train.batch_size",
  "train.checkpoint_every",
  "train.log_every",
  "encode.batch_size",
  "eval.max_rank",
  "eval.num_training_queries",
  "eval.sheet_queries",
  "eval.sheet_results",
)


def _validate_combinations(config: ConfigDict) -> None:
  if config.model.head == "slice":
    heads.check_slices(config.num_bits, heads.SliceHead.num_groups)
  if config.model.image_size not in simplenet.WIDTHS:
    raise ValueError(
      f"config.model.image_size is {config.model.image_size}: SimpleNet takes "
      f"{' or '.join(map(str, simplenet.WIDTHS))} (Table I)."
    )
  if not 0 <= config.train.averaging < 1:
    raise ValueError(
      f"config.train.averaging is {config.train.averaging}: set a share from "
      "0 up to, but not, 1."
    )
  stages = len(config.train.stage_steps)
  if len(config.train.learning_rates) != stages:
    raise ValueError(
      f"config.train.learning_rates has {len(config.train.learning_rates)} "
      f"values for the {stages} of train.stage_steps: give one for each."
    )
  if config.data.name == "image_folder" and not config.data.root:
    raise ValueError(
      "config.data.root is empty: name the folder of images, as in "
      "--config.data.root=PHOTOGRAPHS."
    )


def _leaves(config: ConfigDict, prefix: str = "") -> Iterator[tuple[str, Any]]:
  """Yields every field by its full name."""
  for name, value in config.items():
    if isinstance(value, ConfigDict):
      yield from _leaves(value, f"{prefix}{name}.")
    else:
      yield prefix + name, value


def choose(field: str, value: str, choices: Collection[str]) -> None:
  """Raises ValueError unless a field's value is among its choices."""
  names = sorted(choices)
  if value not in names:
    close = difflib.get_close_matches(value, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    raise ValueError(
      f"config.{field} is {value!r}, but must be one of {', '.join(names)}"
      f"{hint}"
    )
