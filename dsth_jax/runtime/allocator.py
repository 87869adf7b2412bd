"""Keeps freed memory in the process, where large arrays are reused.

The C library hands every large block back to the kernel and asks for it again,
zeroed page by page: on CPUs that takes longer than most operations on the
block. A training step of SimpleNet, and the tiles of the graph, run up to twice
as fast once blocks are kept.
"""

import ctypes
import sys

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> None:
  """Tells the C library to keep freed blocks; does nothing off Linux.

  To be called before the first threads are there: a thread's own arena cannot
  hold large blocks, and gives them back.
  """
  if not sys.platform.startswith("linux"):
    return
  mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
  if mallopt is not None:  # musl has none.
    mallopt(_M_ARENA_MAX, 1)
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
