"""The methods that can be compared, and the settings of their own."""

import inspect
import typing
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder

from dsth_jax import baselines
from dsth_jax.config import paper, recipes

# DSTH among the methods: what each of its kinds changes in the settings. All
# share the graph and the embedding.
DSTH_METHODS: dict[str, Callable[[ConfigDict], ConfigDict]] = {
  "dsth": lambda config: config,
  "dsth_simplenet": recipes.use_simplenet,
  "dsth_frozen_backbone": recipes.use_frozen_backbone,
  "dsth_paper": paper.use_paper_labels,
}
METHODS = (*DSTH_METHODS, *baselines.BASELINES)
# Those that see features and train no network.
SHALLOW = tuple(
  name
  for name, method in baselines.BASELINES.items()
  if method.inputs == "features" and not method.network
)
# Those that train a head on features.
HEADS = tuple(
  name
  for name, method in baselines.BASELINES.items()
  if method.inputs == "features" and method.network
)
# Those that learn from pixels.
FROM_PIXELS = tuple(
  name
  for name, method in baselines.BASELINES.items()
  if method.inputs == "images"
)

# Given to every method; not settings of one.
_GIVEN = ("num_bits", "key", "features", "views")


def dsth_settings(config: ConfigDict, method: str) -> ConfigDict:
  """Returns the settings of a run of DSTH, or of one of its kinds."""
  changed = config.copy_and_resolve_references()
  return DSTH_METHODS[method](changed)


def baseline_settings() -> ConfigDict:
  """Returns each baseline's own settings, as its `fit` defines them."""
  return ConfigDict(
    {
      name: {
        parameter.name: _default(parameter)
        for parameter in _parameters(method.fit)
      }
      for name, method in baselines.BASELINES.items()
    }
  )


def baseline_arguments(config: ConfigDict, name: str) -> dict[str, Any]:
  """Returns a baseline's own settings as its `fit` takes them."""
  own = config.baselines.get(name, {})
  return {
    parameter.name: _argument(parameter, own[parameter.name])
    for parameter in _parameters(baselines.BASELINES[name].fit)
    if parameter.name in own
  }


def _parameters(
  fit: Callable[..., baselines.Encoder],
) -> list[inspect.Parameter]:
  return [
    parameter
    for parameter in inspect.signature(fit).parameters.values()
    if parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in _GIVEN
  ]


def _is_recipe(parameter: inspect.Parameter) -> bool:
  return isinstance(parameter.default, baselines.Recipe)


def _default(parameter: inspect.Parameter) -> Any:
  """Returns a default; a None that keeps the type its flag is to have."""
  if _is_recipe(parameter):
    return parameter.default._asdict()
  if parameter.default is not None:
    return parameter.default
  kinds = typing.get_args(parameter.annotation)
  known = (kind for kind in kinds if kind is not NoneType)
  return placeholder(next(known, object))


def _argument(parameter: inspect.Parameter, value: Any) -> Any:
  """Returns a value of a setting as `fit` takes it."""
  if _is_recipe(parameter) and isinstance(value, Mapping | ConfigDict):
    return baselines.Recipe(**dict(value))
  return value
