"""The variables of a network as arrays by name, as they are kept on disk.

>>> import numpy as np
>>> arrays = flatten({"params": {"top": {"bias": np.zeros(3)}}})
>>> list(arrays)
['variables.params.top.bias']
>>> unflatten(arrays)["params"]["top"]["bias"].shape
(3,)
"""

from collections.abc import Mapping
from typing import Any

import flax.traverse_util
import jax.numpy as jnp
import numpy as np

_NAME = "variables."


def flatten(variables: Any) -> dict[str, np.ndarray]:
  """Returns the arrays by names that can be file names."""
  flat = flax.traverse_util.flatten_dict(variables, sep=".")
  return {f"{_NAME}{name}": np.asarray(leaf) for name, leaf in flat.items()}


def unflatten(arrays: Mapping[str, np.ndarray], *, prefix: str = "") -> Any:
  """Returns the variables again.

  Args:
    arrays: from `flatten`; others are left out.
    prefix: what was put in front of their names.
  """
  flat = {
    name.removeprefix(prefix + _NAME): jnp.asarray(array)
    for name, array in arrays.items()
    if name.startswith(prefix + _NAME)
  }
  return flax.traverse_util.unflatten_dict(flat, sep=".")
