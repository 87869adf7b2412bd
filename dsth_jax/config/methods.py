"""The methods that can be compared, and the settings of their own."""

import inspect
import typing
from collections.abc import Callable
from types import NoneType
from typing import Any

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder

from dsth_jax import baselines
from dsth_jax.config import paper

# DSTH among the methods: what each of its kinds changes in the settings.
DSTH_METHODS: dict[str, Callable[[ConfigDict], ConfigDict]] = {
  "dsth": lambda config: config,
  "dsth_paper": paper.use_paper_labels,
}
METHODS = (*DSTH_METHODS, *baselines.BASELINES)
# Those that see only features.
SHALLOW = tuple(
  name
  for name, method in baselines.BASELINES.items()
  if method.inputs == "features"
)

# Given to every method; not settings of one.
_GIVEN = ("num_bits", "key", "features")


def baseline_settings() -> ConfigDict:
  """Returns each baseline's own settings, as its `fit` defines them."""
  return ConfigDict(
    {
      name: _settings(method.fit)
      for name, method in baselines.BASELINES.items()
    }
  )


def _settings(fit: Callable[..., baselines.Encoder]) -> dict[str, Any]:
  return {
    name: _default(parameter)
    for name, parameter in inspect.signature(fit).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY and name not in _GIVEN
  }


def _default(parameter: inspect.Parameter) -> Any:
  """Returns a default; a None that keeps the type its flag is to have."""
  if parameter.default is not None:
    return parameter.default
  kinds = typing.get_args(parameter.annotation)
  known = (kind for kind in kinds if kind is not NoneType)
  return placeholder(next(known, object))
