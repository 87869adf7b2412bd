"""Locks that show which prepared copies are in use, across processes.

A lock is held as long as its file is open, and ends with the process.
"""

import os
import pathlib
from typing import IO

try:
  import fcntl
except ImportError:  # Windows: nothing can be held, and nothing is removed.
  fcntl = None  # type: ignore[assignment]


def shared(path: pathlib.Path) -> IO[bytes] | None:
  """Holds a lock with others who read; None if that is not possible here."""
  return _held(path, "rb", exclusive=False)


def exclusive(path: pathlib.Path) -> IO[bytes] | None:
  """Holds a lock that no other process holds; None if one does.

  None too where locks do not work, as on some network shares.
  """
  return _held(path, "ab", exclusive=True)


def _held(
  path: pathlib.Path, mode: str, *, exclusive: bool
) -> IO[bytes] | None:
  if fcntl is None:
    return None
  kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
  try:
    file = open(path, mode)  # noqa: SIM115
  except OSError:
    return None
  try:
    fcntl.flock(file, kind | fcntl.LOCK_NB)
    # A process that removes a folder holds its lock: then the name is gone.
    if os.path.samestat(os.stat(path), os.fstat(file.fileno())):
      return file
  except OSError:
    pass
  file.close()
  return None
