"""Work on all cores of a CPU."""

import functools
import os
from collections.abc import Callable, Iterable
from concurrent import futures
from typing import TypeVar

import threadpoolctl

_Part = TypeVar("_Part")


def run(work: Callable[[_Part], None], parts: Iterable[_Part]) -> None:
  """Calls `work` on every part, in one thread per core, and waits.

  Matrix products inside a part use the part's core only.
  """
  with _blas().limit(limits=1, user_api="blas"):
    for _ in _pool().map(work, parts):
      pass


def split(length: int) -> list[slice]:
  """Splits a length into equal parts, at most one per core."""
  width = max(1, -(-length // num_cores()))
  return [
    slice(first, min(first + width, length))
    for first in range(0, length, width)
  ]


def num_cores() -> int:
  """Returns the number of threads."""
  return os.cpu_count() or 1


@functools.cache
def _pool() -> futures.ThreadPoolExecutor:
  return futures.ThreadPoolExecutor(num_cores())


@functools.cache
def _blas() -> threadpoolctl.ThreadpoolController:
  # Finding the libraries takes longer than setting their limit.
  return threadpoolctl.ThreadpoolController()
