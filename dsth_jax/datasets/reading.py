"""Reads that fail for a passing reason are tried again."""

import errno
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

# What a network, a share that is mounted again or a busy disk gives.
_PASSING = frozenset(
  getattr(errno, name)
  for name in (
    *("EAGAIN", "EBUSY", "EIO", "ESTALE", "ETIMEDOUT", "EREMOTEIO", "ENOLINK"),
    *("ECONNABORTED", "ECONNREFUSED", "ECONNRESET", "EHOSTDOWN", "ENOTCONN"),
    *("EHOSTUNREACH", "ENETDOWN", "ENETRESET", "ENETUNREACH", "ENONET"),
  )
  if hasattr(errno, name)
)
# Seconds before the second and before the third try.
WAITS = [0.5, 2.0]


def is_passing(error: BaseException) -> bool:
  """Tells whether an error is of the disk or network, not of the file."""
  return isinstance(error, OSError) and error.errno in _PASSING


def tried(path: str, read: Callable[[], Result]) -> Result:
  """Returns what `read` returns, in up to three tries.

  Args:
    path: for the error.
    read: opens the file again on each try.

  Raises:
    OSError: names the file; at once if another try would not help.
  """
  for wait in WAITS:
    try:
      return read()
    except OSError as error:
      if not is_passing(error):
        raise
    time.sleep(wait)
  try:
    return read()
  except OSError as error:
    if error.filename is None and error.errno is not None:
      raise OSError(error.errno, error.strerror, path) from error
    raise
