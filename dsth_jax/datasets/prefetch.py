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

  `ThreadPoolExecutor.map` would start on all items at once; here at most two
  items a thread are under way or wait to be taken, so memory stays bounded.

  Args:
    function: what releases the interpreter lock gains, such as Pillow.
    items: taken in the caller's thread, as room appears.

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
