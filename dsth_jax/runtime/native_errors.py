"""What C++ libraries print before they abort the process.

JAX's coordination service ends a process that has lost another one by abort(),
after a page of stack frames. Here that page becomes one sentence.
"""

import atexit
import contextlib
import ctypes
import os
import re
import signal
import threading
import time
from collections.abc import Callable

# What is printed is passed on after this time, so that it can still be held back
# once the process aborts.
_DELAY_SECONDS = 2.0
# In what is printed before an abort that comes from the loss of a process.
_WORDS_OF_LOSS = (
  *(b"coordination", b"distributed service", b"heartbeat", b"Gloo", b"gloo"),
  *(b"Connection closed", b"Connection reset", b"Socket closed"),
)

# A warning, an error or a fatal one in the form of absl's logging in C++.
_CPP_LINE = re.compile(rb"[WEF]\d{4} [^\]]*\.(cc|h):\d+\]|terminate called")

_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int)
# C keeps only a pointer to the handler.
_installed: list["tuple[object, _DelayedError]"] = []


def end_in_a_sentence(give_up: Callable[[], None]) -> None:
  """Has an abort that comes from the loss of a process end by `give_up`.

  All that is printed to the file descriptor of standard error goes through a
  thread from here on; Python's own `sys.stderr` too.

  Args:
    give_up: ends the process; it may print.
  """
  if _installed:
    return
  printed = _DelayedError()

  def aborted(_: int) -> None:
    text = printed.restore()
    _write(2, without_report(text))
    if is_loss(text):
      give_up()
    # Any other abort goes on to its default action.

  handler = _Handler(aborted)
  _installed.append((handler, printed))
  atexit.register(flush)
  ctypes.CDLL(None).signal(int(signal.SIGABRT), handler)


def flush() -> None:
  """Passes on at once what has been printed; for a process that ends."""
  for _, printed in _installed:
    printed.flush()


def is_loss(text: bytes) -> bool:
  """Tells whether what was printed is about the loss of a process."""
  return any(word in text for word in _WORDS_OF_LOSS)


def without_report(text: bytes) -> bytes:
  """Leaves out what C++ reports of the loss of a process, to its end.

  Sentences of our own stay.
  """
  if not is_loss(text):
    return text
  lines = text.splitlines(keepends=True)
  first = next(
    (row for row, line in enumerate(lines) if _CPP_LINE.match(line)), len(lines)
  )
  ours = [line for line in lines[first:] if line.startswith(b"dsth_jax:")]
  return b"".join([*lines[:first], *ours])


class _DelayedError:
  """Passes on what is printed to standard error, a little later."""

  def __init__(self) -> None:
    self._real = os.dup(2)
    self._read, write = os.pipe()
    os.set_blocking(self._read, False)
    os.dup2(write, 2)
    os.close(write)
    self._lock = threading.Lock()
    self._held: list[tuple[float, bytes]] = []
    threading.Thread(target=self._pass_on, daemon=True).start()

  def restore(self) -> bytes:
    """Ends the delay, and returns what is held back."""
    with self._lock:
      self._fill()
      os.dup2(self._real, 2)
      held = b"".join(text for _, text in self._held)
      self._held.clear()
    return held

  def flush(self) -> None:
    """Passes on what is held back."""
    with self._lock:
      self._fill()
      _write(self._real, without_report(b"".join(t for _, t in self._held)))
      self._held.clear()

  def _pass_on(self) -> None:
    while True:
      time.sleep(_DELAY_SECONDS / 5)
      with self._lock:
        self._fill()
        now = time.monotonic()
        while self._held and self._held[0][0] < now - _DELAY_SECONDS:
          _write(self._real, self._held.pop(0)[1])

  def _fill(self) -> None:
    with contextlib.suppress(BlockingIOError):
      while text := os.read(self._read, 1 << 16):
        self._held.append((time.monotonic(), text))


def _write(number: int, text: bytes) -> None:
  with contextlib.suppress(OSError):
    while text:
      text = text[os.write(number, text) :]
