"""Work on all cores of a CPU."""

import functools
import os
from collections.abc import Callable, Iterable
from concurrent import futures
from typing import Any

import threadpoolctl


def at_once(work: Callable[[Any], None], parts: Iterable[Any]) -> None:
  """Does the parts of some work in threads, one a core, and waits for them.

  A part that multiplies matrices does so on its own core alone.
  """
  with _blas().limit(limits=1, user_api="blas"):
    for _ in _threads().map(work, parts):
      pass


def parts(length: int) -> list[slice]:
  """Cuts a length into equal parts, at most one a core."""
  width = max(1, -(-length // num_cores()))
  return [
    slice(first, min(first + width, length))
    for first in range(0, length, width)
  ]


def num_cores() -> int:
  """Returns how many threads work at once."""
  return os.cpu_count() or 1


@functools.cache
def _threads() -> futures.ThreadPoolExecutor:
  return futures.ThreadPoolExecutor(num_cores())


@functools.cache
def _blas() -> threadpoolctl.ThreadpoolController:
  # To look for libraries takes longer than to tell them.
  return threadpoolctl.ThreadpoolController()
