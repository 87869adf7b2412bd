"""One process at a time in a directory."""

import errno
import os
import signal
import subprocess
import sys

import filelock
import pytest
from absl import logging

from dsth_jax.runtime import locks


def test_a_directory_in_use_is_refused_and_its_user_named(tmp_path):
  with (
    locks.held(tmp_path / "run"),
    pytest.raises(ValueError, match=f"in use by process {os.getpid()} on "),
    locks.held(tmp_path / "run"),
  ):
    pass
  # It is free again, also after an error.
  with locks.held(tmp_path / "run"):
    pass


def test_parts_of_a_directory_are_held_apart(tmp_path):
  with locks.held(tmp_path, ".0"), locks.held(tmp_path, ".1"):
    for part in (".0", ".1"):
      with pytest.raises(ValueError, match="is in use"):
        locks.held(tmp_path, part).__enter__()


def test_a_killed_holder_blocks_no_one(tmp_path):
  # Without the seconds that importing this package takes.
  program = (
    "import filelock, sys, time\n"
    f"lock = filelock.FileLock({str(tmp_path / '.lock')!r})\n"
    "lock.acquire()\n"
    "print('held', flush=True)\n"
    "time.sleep(60)\n"
  )
  with subprocess.Popen(
    [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
  ) as process:
    assert process.stdout.readline() == "held\n"
    with pytest.raises(ValueError, match="in use by another process"):
      locks.held(tmp_path).__enter__()
    process.send_signal(signal.SIGKILL)
    process.wait()
  with locks.held(tmp_path):
    pass


def _fails(number):
  def acquire(self, *_, **__):
    raise OSError(number, os.strerror(number))

  return acquire


def test_a_file_system_without_locks_is_a_warning(tmp_path, monkeypatch):
  said = []
  monkeypatch.setattr(
    logging, "warning", lambda text, *values: said.append(text % values)
  )
  monkeypatch.setattr(filelock.FileLock, "acquire", _fails(errno.ENOLCK))
  with locks.held(tmp_path):
    assert "file system without locks" in said[0]
  monkeypatch.setattr(filelock.FileLock, "acquire", _fails(errno.EACCES))
  with pytest.raises(PermissionError):
    locks.held(tmp_path).__enter__()
