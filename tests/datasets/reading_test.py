"""Three tries for reads that fail for a passing reason."""

import errno

import pytest

from dsth_jax.datasets import reading


@pytest.fixture(autouse=True)
def waits(monkeypatch):
  waited = []
  monkeypatch.setattr(reading.time, "sleep", waited.append)
  return waited


def failing(number, times):
  left = [number] * times

  def read():
    if left:
      raise OSError(left.pop(), "failed")
    return "content"

  return read


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_the_third_try_may_succeed(number, waits):
  assert reading.tried("x", failing(number, 2)) == "content"
  assert waits == reading.WAITS


def test_after_three_tries_the_error_names_the_file(waits):
  with pytest.raises(OSError, match="a/b") as raised:
    reading.tried("a/b", failing(errno.EIO, 3))
  assert raised.value.filename == "a/b"
  assert len(waits) == 2


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.ELOOP])
def test_what_another_try_cannot_change_raises_at_once(number, waits):
  with pytest.raises(OSError, match="failed"):
    reading.tried("x", failing(number, 1))
  assert waits == []
