"""Long work shows itself: a bar in a terminal, elsewhere a line now and then.

At least every `SECONDS` there is a line with the speed and the time left, or,
from work that does not count what it has done, with the time it has taken.
"""

import contextlib
import math
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from absl import logging
from tqdm import tqdm

SECONDS = 30.0
# Counted work is shown earlier: its next batch may take a while.
_COUNTED = 2 / 3


class _Output:
  """Where progress goes in this process.

  Attributes:
    is_quiet: nothing is shown.
    latest: when the latest line was logged.
  """

  is_quiet = False
  latest = -math.inf

  def is_terminal(self) -> bool:
    return sys.stderr is not None and sys.stderr.isatty()

  def log(self, text: str) -> None:
    self.latest = time.monotonic()
    logging.info("%s", text)

  def is_due(self) -> bool:
    return time.monotonic() - self.latest >= SECONDS


_OUTPUT = _Output()


def be_quiet(is_quiet: bool = True) -> None:
  """Shows no progress in this process, or shows it again."""
  _OUTPUT.is_quiet = is_quiet


class Progress:
  """Counts what is done of some work, and shows it.

  A context manager; `update` may be called from one thread at a time.

  Attributes:
    done: what is done, with what was done before.
  """

  def __init__(
    self, name: str, *, unit: str, total: int | None = None, done: int = 0
  ):
    """Begins to count.

    Args:
      name: of the work.
      unit: what is counted, as in "images".
      total: what there is to do; None if it is not known.
      done: before.
    """
    self.done = done
    self._name, self._unit, self._total = name, unit, total
    self._start, self._before = time.monotonic(), done
    self._latest = self._start
    self._note = ""
    self._bar = None
    if _OUTPUT.is_terminal() and not _OUTPUT.is_quiet:
      self._bar = tqdm(total=total, initial=done, desc=name, unit=f" {unit}")

  def __enter__(self) -> "Progress":
    return self

  def __exit__(self, *error: object) -> None:
    self.close()

  def update(self, count: int = 1) -> None:
    """Counts what was done since the last call."""
    self.done += count
    if self._bar is not None:
      self._bar.update(count)
      return
    now = time.monotonic()
    if now - self._latest >= _COUNTED * SECONDS and not _OUTPUT.is_quiet:
      self._latest = now
      _OUTPUT.log(self.line(now - self._start))

  def note(self, text: str) -> None:
    """Sets what else the next lines say."""
    self._note = text
    if self._bar is not None:
      self._bar.set_postfix_str(text)

  def close(self) -> None:
    """Ends the bar, if there is one."""
    if self._bar is not None:
      self._bar.close()

  def line(self, seconds: float) -> str:
    """Returns what there is to say after some seconds of work.

    >>> Progress("features", unit="images", total=400, done=100).line(5.0)
    'features: 100 of 400 images'
    """
    of = "" if self._total is None else f" of {self._total:,}"
    parts = [f"{self._name}: {self.done:,}{of} {self._unit}"]
    speed = (self.done - self._before) / seconds if seconds > 0 else 0.0
    if speed > 0:
      parts.append(f"{_short(speed)} {self._unit}/s")
      if self._total is not None:
        parts.append(f"{duration((self._total - self.done) / speed)} left")
    return ", ".join([*parts, *([self._note] if self._note else [])])


def counted(
  batches: Iterable[Any],
  *,
  total: int | None,
  done: int = 0,
  name: str,
  unit: str,
) -> Iterator[Any]:
  """Passes batches on, and counts their rows."""
  with Progress(name, unit=unit, total=total, done=done) as shown:
    for batch in batches:
      yield batch
      shown.update(len(batch))


@contextlib.contextmanager
def alive(name: str) -> Iterator[None]:
  """Says now and then that work goes on, while nothing else is said of it."""
  if _OUTPUT.is_quiet or _OUTPUT.is_terminal():
    yield
    return
  start, ended = time.monotonic(), threading.Event()

  def watch() -> None:
    while not ended.wait(SECONDS / 10):
      seconds = time.monotonic() - start
      if seconds >= SECONDS and _OUTPUT.is_due():
        _OUTPUT.log(f"{name}: at work for {duration(seconds)}")

  thread = threading.Thread(target=watch, name="progress", daemon=True)
  thread.start()
  try:
    yield
  finally:
    ended.set()
    thread.join()


def duration(seconds: float) -> str:
  """Returns a time in one or two units.

  >>> duration(42.4), duration(754.0), duration(7380.0)
  ('42 s', '13 min', '2 h 3 min')
  """
  if seconds < 100:
    return f"{seconds:.0f} s"
  minutes = round(seconds / 60)
  if minutes < 100:
    return f"{minutes} min"
  return f"{minutes // 60:,} h {minutes % 60} min"


def _short(speed: float) -> str:
  return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
