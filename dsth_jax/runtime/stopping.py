"""Ctrl-C and SIGTERM: work ends where it can go on later.

A signal raises `Stopped` in the main thread. Inside `deferred` it waits until
the work asks for it, so that a checkpoint can be written first. A thread of its
own sees to it that the process ends in time, also where the main one does not
come back from a library.
"""

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

# SLURM and Kubernetes kill a process 30 seconds after SIGTERM, by default.
GRACE_SECONDS = 10.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
  """The work was stopped by a signal.

  Attributes:
    number: of the signal.
    kept: what is kept beside finished stages, in a few words.
  """

  def __init__(self, number: int, kept: str = ""):
    super().__init__(number)
    self.number, self.kept = number, kept


class _State:
  """Of the signals of this process."""

  requested: int | None = None
  is_deferred = False
  # Kept open: the kernel's side of the handlers writes to it.
  wakeup: socket.socket | None = None


_state = _State()


def install(give_up: Callable[[int], None]) -> None:
  """Handles both signals from here on; call it in the main thread.

  Args:
    give_up: is told the signal's number in another thread, `GRACE_SECONDS`
      after it; it has to end the process.
  """
  received, wakeup = socket.socketpair()
  wakeup.setblocking(False)
  _state.wakeup = wakeup
  signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
  handle_signals()

  def watch() -> None:
    while byte := received.recv(1):
      if byte[0] in _SIGNALS:
        timer = threading.Timer(GRACE_SECONDS, give_up, (byte[0],))
        timer.daemon = True
        timer.start()

  threading.Thread(target=watch, daemon=True).start()


def handle_signals() -> None:
  """Takes both signals back from a library; does nothing before `install`."""
  if _state.wakeup is not None:
    for number in _SIGNALS:
      signal.signal(number, _handle)


def requested() -> int | None:
  """Returns the number of the signal that asked this process to stop."""
  return _state.requested


def request(number: int) -> None:
  """Asks this process to stop, as the signal would."""
  _state.requested = number


@contextlib.contextmanager
def deferred() -> Iterator[None]:
  """Leaves it to the work inside to ask `requested`; a second signal raises.

  Raises:
    Stopped: after the work, where it was asked to stop and did not.
  """
  _state.is_deferred = True
  try:
    yield
  finally:
    _state.is_deferred = False
  if _state.requested is not None:
    raise Stopped(_state.requested)


def exit_status(number: int) -> int:
  """Returns what a shell reports of a process that a signal has ended."""
  return 128 + number


def _handle(number: int, _: FrameType | None) -> None:
  is_first = _state.requested is None
  _state.requested = number
  if not (_state.is_deferred and is_first):
    raise Stopped(number)
