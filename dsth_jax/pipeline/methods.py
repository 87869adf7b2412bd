"""The methods of a run and of a comparison: what they see, and their fit."""

import functools
from collections.abc import Callable, Iterable

import numpy as np
from ml_collections import ConfigDict

from dsth_jax import baselines
from dsth_jax import config as config_lib
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.inputs import Inputs, Kind, network_inputs
from dsth_jax.pipeline.seeds import stage_key


def seen(config: ConfigDict, name: str) -> Kind:
  """Returns what a method sees of an image."""
  if name in config_lib.DSTH_METHODS:
    return network_inputs(config)
  return baselines.BASELINES[name].inputs


def check(config: ConfigDict, names: Iterable[str], data: Data) -> None:
  """Refuses, before any work, a method that lacks what it learns from.

  Raises:
    ValueError: it sees images or class labels, and there are none.
  """
  for name in names:
    if seen(config, name) == "images" and not len(data.dataset.images):
      raise ValueError(
        f"{name} learns from images, but the data set has only features: "
        "leave it out, or take images (config.data.name)."
      )
    supervised = name not in config_lib.DSTH_METHODS and (
      baselines.BASELINES[name].supervised
    )
    if supervised and (lack := _lacks_classes(data)):
      raise ValueError(
        f"{name} learns from class labels, but {lack}: leave it out, or sort "
        "the images into one folder a class."
      )


def _lacks_classes(data: Data) -> str:
  """Says why training images have no class each; empty if they have."""
  truth = data.dataset.ground_truth
  if truth is None:
    return "the images have none"
  if truth.classes is None:
    return "an image may have several"
  missing = np.count_nonzero(truth.classes[data.splits.training] < 0)
  return f"{missing} training images have none" if missing else ""


def fitting(
  config: ConfigDict, inputs: Inputs, name: str
) -> Callable[[], baselines.Encoder]:
  """Returns the call that fits a baseline to the training images.

  Its arguments are copied here, so that the time of the call is the fit's.
  """
  method = baselines.BASELINES[name]
  dataset, splits = inputs.data.dataset, inputs.data.splits
  truth = dataset.ground_truth if method.supervised else None
  classes = None if truth is None else truth.classes
  given = dict(config.baselines.get(name, {}))
  if method.needs_features:
    given["features"] = inputs.features.points[splits.training]
  return functools.partial(
    method.fit,
    inputs.rows(method.inputs)[splits.training],
    None if classes is None else classes[splits.training],
    num_bits=config.num_bits,
    key=stage_key(config.seed, name),
    **given,
  )
