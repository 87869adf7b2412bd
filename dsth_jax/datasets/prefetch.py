"""Work in threads ahead of its consumer, bounded and in order.

>>> list(prefetch_map(abs, [-3, 1, -2]))
[3, 1, 2]
"""

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch_map(
  function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
  """Yields `function(item)` of every item, in order, from a pool of threads.

  `ThreadPoolExecutor.map` would submit all items at once. Here at most two items
  for each thread are in progress or finished, which bounds the memory.

  Args:
    function: faster in threads if it releases the interpreter lock, as Pillow.
    items: taken in the thread of the caller.

  Yields:
    The results; an exception of `function` is raised in its item's place.
  """
  num_threads = min(os.cpu_count() or 1, 32)
  pending: collections.deque[futures.Future[Result]] = collections.deque()
  with futures.ThreadPoolExecutor(num_threads) as pool:
    try:
      for item in items:
        pending.append(pool.submit(function, item))
        if len(pending) > 2 * num_threads:
          yield pending.popleft().result()
      while pending:
        yield pending.popleft().result()
    finally:
      for future in pending:
        future.cancel()
