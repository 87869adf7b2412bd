"""Rows of unit length.

>>> import numpy as np
>>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
array([[0.6, 0.8],
       [0. , 0. ]])
"""

from typing import TypeVar

import jax
import numpy as np

_Rows = TypeVar("_Rows", jax.Array, np.ndarray)


def unit_rows(rows: _Rows) -> _Rows:
  """Returns float rows [n d], scaled to unit length; zeros stay zeros.

  NumPy gives NumPy, JAX gives JAX.
  """
  xp = rows.__array_namespace__()
  norms = xp.linalg.norm(rows, axis=1, keepdims=True)
  return rows / xp.where(norms > 0, norms, 1.0)
