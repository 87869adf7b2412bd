"""The commands, as processes of their own."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]


def command(module, *arguments):
  return [sys.executable, "-m", module, *arguments]


def environment():
  environment = dict(os.environ)
  # The tests' eight devices are not the command's.
  environment.pop("XLA_FLAGS", None)
  return environment


def run(module, *arguments):
  return subprocess.run(
    command(module, *arguments),
    cwd=ROOT,
    env=environment(),
    capture_output=True,
    text=True,
    timeout=300,
    check=False,
  )
