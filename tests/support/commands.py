"""Commands in new processes."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def command(module, *arguments):
  return [sys.executable, "-m", module, *arguments]


def environment(num_devices=1):
  environment = dict(os.environ)
  # The eight devices of the tests are not for the command.
  environment["XLA_FLAGS"] = (
    f"--xla_force_host_platform_device_count={num_devices}"
  )
  return environment


def run(module, *arguments, num_devices=1, cwd=ROOT):
  variables = environment(num_devices)
  if cwd != ROOT:
    # There the package is not in the working directory.
    variables["PYTHONPATH"] = str(ROOT)
  return subprocess.run(
    command(module, *arguments),
    cwd=cwd,
    env=variables,
    capture_output=True,
    text=True,
    timeout=300,
    check=False,
  )
