"""One process at a time in a directory.

The lock is the operating system's: it is free again once its holder has ended,
in whatever way. A file beside it says who the holder is.
"""

import contextlib
import errno
import os
import pathlib
import socket
from collections.abc import Iterator

import filelock
from absl import logging

from dsth_jax.runtime import distributed, files

_LOCK, _HOLDER = ".lock", ".lock.json"
# What file systems without locks report.
_NO_LOCKS = (
  *(errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL),
  errno.ENOTTY,
)


@contextlib.contextmanager
def held(directory: pathlib.Path, part: str = "") -> Iterator[None]:
  """Holds the lock of a directory; the processes of one run share it.

  Args:
    directory: made if it is missing.
    part: of the directory, where several processes share it and each has its
      part.

  Raises:
    ValueError: another process holds it.
    OSError: the directory cannot be written.
  """
  if not distributed.is_leader():
    yield
    return
  directory.mkdir(parents=True, exist_ok=True)
  lock = filelock.FileLock(directory / f"{_LOCK}{part}", timeout=0)
  holder = directory / f"{_HOLDER}{part}"
  if not _is_acquired(lock, holder):
    yield
    return
  try:
    files.write_json(
      holder, {"host": socket.gethostname(), "process": os.getpid()}
    )
    yield
  finally:
    holder.unlink(missing_ok=True)
    lock.release()


def _is_acquired(lock: filelock.FileLock, holder: pathlib.Path) -> bool:
  """Takes a lock; tells whether the file system has locks.

  Raises:
    ValueError: another process holds it.
  """
  try:
    lock.acquire()
  except filelock.Timeout as error:
    known = files.read_intact_json(holder)
    who = (
      f"process {known.get('process')} on {known.get('host')}"
      if known
      else "another process"
    )
    raise ValueError(
      f"{holder.parent} is in use by {who}: wait for its end, end it, or take "
      "another directory. Nothing was changed."
    ) from error
  except (NotImplementedError, OSError) as error:
    number = getattr(error, "errno", errno.ENOSYS)
    if number not in _NO_LOCKS:
      raise
    logging.warning(
      "%s is on a file system without locks: start no second command in it "
      "while this one runs.",
      holder.parent,
    )
    return False
  return True
