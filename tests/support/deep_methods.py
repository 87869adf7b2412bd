"""Deep methods, fitted quickly: a tiny network on images, or a head."""

import functools
import inspect

import jax
import numpy as np
from support.pictures import backbone_features, kinds_of_images

from dsth_jax.baselines import BASELINES, Recipe

DEEP = sorted(name for name, method in BASELINES.items() if method.network)
FROM_PIXELS = [name for name in DEEP if BASELINES[name].inputs == "images"]
HEADS = [name for name in DEEP if BASELINES[name].inputs == "features"]
WITH_VIEWS = [name for name in DEEP if BASELINES[name].views]
SUPERVISED = [name for name in DEEP if BASELINES[name].supervised]
WITH_FEATURES = [name for name in DEEP if BASELINES[name].needs_features]


def default_recipe(method):
  """Returns the recipe of an entry."""
  return inspect.signature(method.fit).parameters["recipe"].default


def recipe(name, **changes):
  """Returns a few steps that teach a method the kinds of images."""
  quick = Recipe(
    network="tiny" if name in FROM_PIXELS else "frozen_backbone",
    optimizer="adamw",
    schedule="one_cycle",
    learning_rate=0.02,
    weight_decay=0.01,
    batch_size=32,
    num_epochs=12,
  )
  return quick._replace(**changes)


def inputs(name, num_images=128, seed=0, **kind):
  """Returns what a method learns from, and the kind of each image."""
  images, kinds = kinds_of_images(num_images, seed=seed, **kind)
  return (images if name in FROM_PIXELS else head_features(kinds)), kinds


def head_features(kinds):
  """Returns features in which even a linear head sees the kinds."""
  return backbone_features(kinds, num_features=48)


def views(features, num_views=3):
  """Returns features of views: those of the images with some noise."""
  rng = np.random.default_rng(2)
  shape = (len(features), num_views, features.shape[1])
  noise = rng.normal(scale=0.3, size=shape)
  return (features[:, None] + noise).astype(np.float32)


# The generator compiles in a fraction of the time of the default one.
def fit(name, inputs, kinds, *, generator="rbg", changes=None, **settings):
  """Fits a method, past the type checks of the tests, which users do not have.

  Args:
    name: of the method.
    inputs: images or features.
    kinds: of the images.
    generator: of random numbers.
    changes: of the recipe.
    settings: other arguments of its `fit`.
  """
  method = BASELINES[name]
  given = {
    "labels": kinds if method.supervised else None,
    "num_bits": 9,
    "recipe": recipe(name, **(changes or {})),
  }
  if method.needs_features:
    given["features"] = backbone_features(kinds)
  if method.views:
    given["views"] = views(head_features(kinds))
  function = inspect.unwrap(method.function)
  key = jax.random.key(0, impl=generator)
  return function(inputs, key=key, **{**given, **settings})


@functools.cache
def fitted(name):
  """Returns a method that has learned the kinds."""
  return fit(name, *inputs(name))
