"""Signals end the work where it can go on later."""

import os
import signal
import threading

import pytest

from dsth_jax.runtime import stopping


@pytest.fixture
def given_up(monkeypatch):
  """Handles signals, and lists those that were given up on."""
  found, is_over = [], threading.Event()

  def give_up(number):
    found.append(number)
    is_over.set()

  before = {number: signal.getsignal(number) for number in stopping._SIGNALS}
  wakeup = signal.set_wakeup_fd(-1)
  monkeypatch.setattr(stopping, "GRACE_SECONDS", 0.05)
  stopping.install(give_up)
  yield found, is_over
  signal.set_wakeup_fd(wakeup)
  for number, handler in before.items():
    signal.signal(number, handler)
  stopping._state.requested = None


def _send(number):
  os.kill(os.getpid(), number)


@pytest.mark.parametrize(
  ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_raises_and_has_its_status(given_up, number, status):
  with pytest.raises(stopping.Stopped) as stopped:
    _send(number)
  assert stopping.exit_status(stopped.value.number) == status
  # What handles Ctrl-C handles it; what handles errors does not.
  assert isinstance(stopped.value, KeyboardInterrupt)


def test_work_that_is_asked_to_stop_ends_by_itself(given_up):
  done = []

  def work():
    with stopping.deferred():
      _send(signal.SIGTERM)
      done.append(stopping.requested())
      raise stopping.Stopped(stopping.requested(), "step 3")

  with pytest.raises(stopping.Stopped, match="15") as stopped:
    work()
  assert done == [signal.SIGTERM]
  assert stopped.value.kept == "step 3"


def test_work_that_does_not_ask_ends_after_it(given_up):
  def work():
    with stopping.deferred():
      _send(signal.SIGINT)

  with pytest.raises(stopping.Stopped):
    work()


def test_a_second_signal_does_not_wait(given_up):
  def work():
    with stopping.deferred():
      _send(signal.SIGINT)
      _send(signal.SIGINT)
      raise AssertionError("it went on")

  with pytest.raises(stopping.Stopped):
    work()


def test_a_process_that_does_not_end_is_ended(given_up):
  found, is_over = given_up
  with pytest.raises(stopping.Stopped):
    _send(signal.SIGTERM)
  assert is_over.wait(10)
  assert found == [signal.SIGTERM]
