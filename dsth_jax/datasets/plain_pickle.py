"""Pickles of arrays and plain values, read without running code.

>>> import pickle
>>> loads(pickle.dumps({b"labels": [1, 2]}))
{b'labels': [1, 2]}
>>> loads(pickle.dumps(print))
Traceback (most recent call last):
...
_pickle.UnpicklingError: it asks for builtins.print, which is not read from a file
"""

import io
import pickle
from typing import Any

import numpy as np

# What NumPy asks for to make an array. NumPy 2 has moved the first.
_ALLOWED = {
  ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
  ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
  ("numpy", "ndarray"): np.ndarray,
  ("numpy", "dtype"): np.dtype,
}


class _PlainUnpickler(pickle.Unpickler):
  """Knows no function or class but those that make an array."""

  def find_class(self, module: str, name: str) -> Any:
    if (module, name) not in _ALLOWED:
      raise pickle.UnpicklingError(
        f"it asks for {module}.{name}, which is not read from a file"
      )
    return _ALLOWED[module, name]


def loads(content: bytes) -> Any:
  """Returns the pickled arrays and plain values; text of Python 2 as bytes.

  Raises:
    pickle.UnpicklingError: the pickle holds something else, or is damaged.
  """
  try:
    return _PlainUnpickler(io.BytesIO(content), encoding="bytes").load()
  except pickle.UnpicklingError:
    raise
  # A damaged pickle raises anything.
  except Exception as error:
    raise pickle.UnpicklingError(f"{type(error).__name__}: {error}") from error
