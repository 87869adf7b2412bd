"""The methods of a run and of a comparison: what they see, and their fit."""

import functools
from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Bool
from ml_collections import ConfigDict

from dsth_jax import baselines
from dsth_jax import config as config_lib
from dsth_jax.models.hash_models import HASH_MODELS
from dsth_jax.pipeline import labelled_images
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.inputs import Inputs, Kind
from dsth_jax.pipeline.seeds import stage_key
from dsth_jax.pipeline.workdir import Dependency, settings


def network(config: ConfigDict, name: str) -> str:
  """Returns the hash network that a method trains; empty if it trains none."""
  if name in config_lib.DSTH_METHODS:
    return config_lib.dsth_settings(config, name).model.network
  return baselines.BASELINES[name].network


def seen(config: ConfigDict, name: str) -> Kind:
  """Returns what a method sees of an image."""
  if name in config_lib.DSTH_METHODS:
    return HASH_MODELS[network(config, name)].inputs
  return baselines.BASELINES[name].inputs


def learned_from(config: ConfigDict, name: str) -> list[str]:
  """Lists what a method learns from: images, features, class labels.

  Features of a backbone that was trained with class labels bring these along.
  """
  found: list[str] = [seen(config, name)]
  if _needs_features(name):
    found.append("features")
  tuned = "features" in found and config.features.fine_tuning.num_epochs
  if _is_supervised(name) or tuned:
    found.append("class labels")
  return list(dict.fromkeys(found))


def _needs_features(name: str) -> bool:
  if name in config_lib.DSTH_METHODS:
    return True
  return baselines.BASELINES[name].needs_features


def _is_supervised(name: str) -> bool:
  if name in config_lib.DSTH_METHODS:
    return False
  return baselines.BASELINES[name].supervised


def num_labels(config: ConfigDict, name: str, data: Data) -> int:
  """Returns the number of class labels that a method sees, itself or by features.

  A method with the setting `num_labelled` sees that many; 0 is all. If both it
  and its features see some of the labels, this is the larger number.
  """
  found = 0
  if _is_supervised(name):
    limit = config.baselines.get(name, {}).get("num_labelled", 0)
    known = np.count_nonzero(_is_learned(data, name))
    found = int(min(limit or known, known))
  if "features" in learned_from(config, name):
    found = max(found, labelled_images.count(config, data))
  return found


def check(config: ConfigDict, names: Iterable[str], data: Data) -> None:
  """Refuses, before any work, a method that lacks what it learns from.

  Raises:
    ValueError: it sees images, views of them or class labels, and there are
      none.
  """
  labelled_images.check(config, data)
  for name in names:
    if seen(config, name) == "images" and not len(data.dataset.images):
      raise ValueError(
        f"{name} learns from images, but the data set has only features: "
        "leave it out, or take images (config.data.name)."
      )
    if name in config_lib.DSTH_METHODS:
      continue
    _check_views(config, name, data)
    if _is_supervised(name) and (lack := _lacks_classes(data)):
      raise ValueError(
        f"{name} learns from class labels, but {lack}: leave it out, or sort "
        "the images into one folder a class."
      )


def _check_views(config: ConfigDict, name: str, data: Data) -> None:
  if baselines.BASELINES[name].views is None:
    return
  needs = f"{name} learns from features of random views of the images"
  if not len(data.dataset.images):
    raise ValueError(
      f"{needs}, but the data set has only features: leave it out, or take "
      "images (config.data.name)."
    )
  if config.features.file:
    raise ValueError(
      f"{needs}, but config.features.file holds those of the images "
      "themselves: leave it out, or name a backbone (config.features.backbone) "
      "in place of the file."
    )


def _lacks_classes(data: Data) -> str:
  """Says why no training image has a class; empty if some have."""
  truth = data.dataset.ground_truth
  if truth is None or truth.has_lists:
    return "the images have none"
  if truth.classes is None:
    return "an image may have several"
  if (truth.classes[data.splits.training] < 0).all():
    return "the training images have none"
  return ""


def _is_learned(data: Data, name: str) -> Bool[np.ndarray, "t"]:
  """Tells which training images a method learns from.

  One that learns from class labels leaves out images without a label, such as
  the unlabelled ones of STL-10 and those without a logo of FlickrLogos-32.
  """
  training, truth = data.splits.training, data.dataset.ground_truth
  if not _is_supervised(name) or truth is None or truth.classes is None:
    return np.ones(len(training), bool)
  return truth.classes[training] >= 0


def depends_on(
  config: ConfigDict, inputs: Inputs, name: str
) -> list[Dependency]:
  """Returns what the codes of a baseline follow from, beside bits and seed."""
  method = baselines.BASELINES[name]
  return [
    *inputs.depends_on(method.inputs),
    *(inputs.depends_on("features") if method.needs_features else ()),
    *(inputs.views[name].depends_on if method.views else ()),
    settings(config, f"baselines.{name}"),
    method.function,
  ]


def fitting(
  config: ConfigDict, inputs: Inputs, name: str
) -> Callable[[], baselines.Encoder]:
  """Returns the call that fits a baseline to the training images.

  Of these, one that learns from class labels sees those that have one. The
  arguments are copied here, so that the time of the call is the fit's.
  """
  method = baselines.BASELINES[name]
  is_learned = _is_learned(inputs.data, name)
  rows = inputs.data.splits.training[is_learned]
  truth = inputs.data.dataset.ground_truth if method.supervised else None
  classes = None if truth is None else truth.classes
  given = config_lib.baseline_arguments(config, name)
  if method.needs_features:
    given["features"] = inputs.features.points[rows]
  if method.views:
    # Views are of the training images only.
    views = inputs.views[name].points
    given["views"] = views if is_learned.all() else views[is_learned]
  return functools.partial(
    method.fit,
    inputs.rows(method.inputs)[rows],
    None if classes is None else classes[rows],
    num_bits=config.num_bits,
    key=stage_key(config.seed, name),
    **given,
  )
