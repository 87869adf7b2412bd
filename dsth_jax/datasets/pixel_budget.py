"""Bounds the pixels that threads decode at the same time."""

import contextlib
import threading
from collections.abc import Iterator


class PixelBudget:
  """Lets threads wait until there is room for their images."""

  def __init__(self, total: int):
    """Starts with all of the budget.

    Args:
      total: pixels in memory at the same time; an image with more is decoded
        while there is no other.
    """
    self._total, self._used = total, 0
    self._room = threading.Condition()

  @contextlib.contextmanager
  def taken(self, num_pixels: int) -> Iterator[None]:
    """Holds the room of an image."""
    needed = min(num_pixels, self._total)
    with self._room:
      self._room.wait_for(lambda: self._used + needed <= self._total)
      self._used += needed
    try:
      yield
    finally:
      with self._room:
        self._used -= needed
        self._room.notify_all()
