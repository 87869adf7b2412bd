"""The methods that can be compared, and the settings of their own."""

import inspect
from collections.abc import Callable

from ml_collections import ConfigDict

from dsth_jax import baselines
from dsth_jax.config import paper

# DSTH among the methods: what each of its kinds changes in the settings.
STUDENTS: dict[str, Callable[[ConfigDict], ConfigDict]] = {
  "dsth": lambda config: config,
  "dsth_paper": paper.use_paper_labels,
}
METHODS = (*STUDENTS, *baselines.BASELINES)
# Those that see features alone.
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
      name: {
        setting: parameter.default
        for setting, parameter in inspect.signature(
          method.fit
        ).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and setting not in _GIVEN
      }
      for name, method in baselines.BASELINES.items()
    }
  )
