"""Refuses settings that cannot work, in one sentence each."""

import difflib
import os
from collections.abc import Collection, Iterator
from typing import Any

from ml_collections import ConfigDict

from dsth_jax import (
  baselines,
  codes,
  datasets,
  encode,
  features,
  spectral,
  train,
)
from dsth_jax.config import fine_tuning, methods, thresholds
from dsth_jax.config import variants as variants_lib
from dsth_jax.graph import approximate_knn
from dsth_jax.models.hash_models import HASH_MODELS, heads


def validate(config: ConfigDict) -> None:
  """Raises ValueError, in one sentence, for settings that cannot work.

  ImportError where a setting needs an extra that is not installed.

  What only the data can tell (too few images, say) is left to the pipeline.
  """
  tables = {
    "data.protocol": datasets.PROTOCOLS,
    "features.dtype": ("float16", "float32"),
    "features.fine_tuning.trainable": ("all", "last"),
    "graph.search": ("exact", "approximate"),
    "graph.symmetrize": ("union", "mutual"),
    "spectral.solver": spectral.SOLVERS,
    "labels.method": ("diffusion", "eigenvectors"),
    "labels.threshold": codes.THRESHOLDS,
    "model.network": HASH_MODELS,
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
  if config.features.image_size < 0:
    raise ValueError(
      f"config.features.image_size is {config.features.image_size}: set a "
      "number of pixels, or 0 for what the backbone was trained on."
    )
  for field in _AT_LEAST_ONE:
    if values[field] < 1:
      raise ValueError(f"config.{field} is {values[field]}: set 1 or more.")
  for field in _NOT_NEGATIVE:
    # Also refuses NaN.
    if not values[field] >= 0:
      raise ValueError(f"config.{field} is {values[field]}: set 0 or more.")
  _validate_combinations(config)
  _validate_data(config)
  _validate_comparison(config)


_AT_LEAST_ONE = (
  "num_bits",
  "features.batch_size",
  "graph.num_neighbors",
  "spectral.max_iters",
  "features.fine_tuning.batch_size",
  "train.num_epochs",
  "train.batch_size",
  "train.log_every",
  "encode.batch_size",
  "eval.max_rank",
  "eval.num_training_queries",
  "eval.sheet_queries",
  "eval.sheet_results",
)
_NOT_NEGATIVE = ("workdir.check_gigabytes", "train.checkpoint_seconds")


def _validate_combinations(config: ConfigDict) -> None:
  if config.graph.search == "approximate":
    approximate_knn.library()
  _validate_networks(config)
  fine_tuning.check(config)
  thresholds.check(config)
  if not 0 <= config.train.averaging < 1:
    raise ValueError(
      f"config.train.averaging is {config.train.averaging}: set a share from "
      "0 up to, but not, 1."
    )
  if config.train.mixup < 0:
    raise ValueError(
      f"config.train.mixup is {config.train.mixup}: set a number above 0, such "
      "as 0.4, or 0 for none."
    )
  stages = len(config.train.stage_steps)
  if len(config.train.learning_rates) != stages:
    raise ValueError(
      f"config.train.learning_rates has {len(config.train.learning_rates)} "
      f"values for the {stages} of train.stage_steps: give one for each."
    )


def _validate_networks(config: ConfigDict) -> None:
  """Refuses backbones and a hash network that do not fit their settings."""
  if not config.features.file:
    _validate_backbones(config)
  name, size = config.model.network, config.model.image_size
  network = HASH_MODELS[name]
  if network.image_sizes and size not in (0, *network.image_sizes):
    raise ValueError(
      f"config.model.image_size is {size}: {name} takes "
      f"{' or '.join(map(str, network.image_sizes))}; 0 is the first."
    )
  backbone_size = config.features.image_size
  if not network.image_sizes and size not in (0, backbone_size):
    raise ValueError(
      f"config.model.image_size is {size}, but {name} sees what the backbone "
      f"sees (features.image_size is {backbone_size}): leave model.image_size "
      "at 0."
    )
  if config.model.input_noise < 0 or any(
    not isinstance(width, int) or width < 1
    for width in config.model.hidden_sizes
  ):
    raise ValueError(
      f"config.model.input_noise is {config.model.input_noise} and "
      f"hidden_sizes {tuple(config.model.hidden_sizes)}: the noise cannot be "
      "negative, and widths are whole numbers from 1 on."
    )
  if config.model.width <= 0:
    raise ValueError(
      f"config.model.width is {config.model.width}: set a number above 0, such "
      "as 2.0 for twice the channels of Table I."
    )
  network.check(config.num_bits, config.model.to_dict())


def _validate_backbones(config: ConfigDict) -> None:
  backbones, weights = config.features.backbone, config.features.weights
  for name, _ in features.check_backbones(backbones, weights):
    if name.endswith(".onnx") and not os.path.isfile(name):
      raise ValueError(
        f"config.features.backbone names {name}, which is no file: check the "
        "path."
      )
  size = config.features.image_size or features.image_size(backbones)
  features.check_image_size(backbones, size)
  resized_size = config.features.resized_size
  if resized_size and resized_size < size:
    raise ValueError(
      f"config.features.resized_size is {resized_size}, but the backbone sees "
      f"{size} pixels a side: set {size} or more, or 0 for what the backbone "
      "was trained on."
    )


def _validate_data(config: ConfigDict) -> None:
  data = config.data
  if data.name == "image_folder" and not data.root:
    raise ValueError(
      "config.data.root is empty: name the folder of images, as in "
      "--config.data.root=PHOTOGRAPHS."
    )
  if data.num_training < 0:
    raise ValueError(
      f"config.data.num_training is {data.num_training}: set a number of "
      "images, or 0 for all."
    )
  if data.num_training and config.features.file:
    raise ValueError(
      f"config.data.num_training is {data.num_training}, but config.features."
      "file has a row for every image of the whole set: leave one of them out."
    )
  if data.name == "features" and not (
    config.features.file and data.labels_file
  ):
    raise ValueError(
      "config.data.name is 'features', which takes the place of images: set "
      "both config.features.file and config.data.labels_file."
    )


def _validate_comparison(config: ConfigDict) -> None:
  compare = config.compare
  # Their values are checked one by one, where others can go on.
  variants_lib.variants(config)
  for name in compare.methods:
    choose("compare.methods", name, methods.METHODS)
  for field, least in (("num_bits", 1), ("seeds", 0)):
    for value in compare[field]:
      if not isinstance(value, int) or value < least:
        raise ValueError(
          f"config.compare.{field} holds {value!r}: whole numbers from {least} "
          "on are needed."
        )
  for field in ("methods", "num_bits", "seeds"):
    if not compare[field] or len(set(compare[field])) < len(compare[field]):
      raise ValueError(
        f"config.compare.{field} is {compare[field]}: name one or more, each "
        "of them once."
      )
  if compare.num_queries < 0:
    raise ValueError(
      f"config.compare.num_queries is {compare.num_queries}: set a number, or "
      "0 for all queries."
    )
  if compare.num_views < 2:
    raise ValueError(
      f"config.compare.num_views is {compare.num_views}: set 2 or more, since "
      "some methods compare two views of an image."
    )
  for method in sorted(set(compare.methods) & set(methods.DSTH_METHODS)):
    changed = methods.dsth_settings(config, method)
    for num_bits in compare.num_bits:
      changed.num_bits = num_bits
      _validate_networks(changed)


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
