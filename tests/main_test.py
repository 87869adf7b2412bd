"""The command line, as a process of its own."""

import json
import signal
import subprocess
import time

import numpy as np
import pytest
from support import commands

SHORT = (
  "--config=configs/digits.py",
  "--config.num_bits=16",
  "--config.train.num_epochs=1",
  "--config.train.checkpoint_seconds=0",
  "--config.eval.num_training_queries=100",
)


def _run(*arguments):
  return commands.run("dsth_jax.main", *arguments)


@pytest.mark.parametrize(
  ("arguments", "words"),
  [
    (("--config.num_bit=16",), ("num_bit",)),
    (("--config.num_bits=many",), ("num_bits", "many")),
    (("configs/digits.py",), ("stray argument", "configs/digits.py")),
    (("--config=configs/missing.py",), ("configs/missing.py",)),
    (("--config.num_bits=40",), ("num_bits is 40", "multiple of 16")),
  ],
)
def test_a_wrong_command_line_is_answered_in_words(tmp_path, arguments, words):
  result = _run(f"--workdir={tmp_path}/run", *arguments)
  assert result.returncode != 0
  last = result.stderr.strip().splitlines()[-1]
  for word in words:
    assert word in result.stderr
  assert "Traceback" not in result.stderr, last
  assert not (tmp_path / "run").exists()


def test_a_workdir_that_cannot_be_written_is_named(tmp_path):
  # A file where the directory should be: root may write read-only folders.
  (tmp_path / "run").write_text("not a directory")
  result = _run(f"--workdir={tmp_path}/run")
  assert result.returncode == 1
  assert f"{tmp_path}/run" in result.stderr.strip().splitlines()[-1]
  assert (tmp_path / "run").read_text() == "not a directory"


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_in_the_same_codes(tmp_path):
  data = f"--config.data.data_dir={tmp_path}/data"
  whole = _run(*SHORT, data, f"--workdir={tmp_path}/whole")
  assert whole.returncode == 0, whole.stderr

  killed = tmp_path / "killed"
  process = subprocess.Popen(
    commands.command("dsth_jax.main", *SHORT, data, f"--workdir={killed}"),
    cwd=commands.ROOT,
    env=commands.environment(),
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )
  deadline = time.monotonic() + 120
  while not list(killed.glob("checkpoints/*/[0-9]*")):
    assert process.poll() is None, "it ended before it could be killed"
    assert time.monotonic() < deadline, "no checkpoint after two minutes"
    time.sleep(0.02)
  process.send_signal(signal.SIGKILL)
  process.wait()
  assert not (killed / "codes").exists()

  resumed = _run(*SHORT, data, f"--workdir={killed}")
  assert resumed.returncode == 0, resumed.stderr
  stages = json.loads((killed / "stages.json").read_text())
  assert stages["embedding"]["reused"]
  for name in ("packed", "thresholds"):
    np.testing.assert_array_equal(
      np.load(killed / "codes" / f"{name}.npy"),
      np.load(tmp_path / "whole" / "codes" / f"{name}.npy"),
    )
  losses = [
    (run / "training" / "losses.json").read_text()
    for run in (killed, tmp_path / "whole")
  ]
  assert losses[0] == losses[1]


@pytest.mark.slow
@pytest.mark.parametrize(
  ("number", "status", "by"),
  [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")],
)
def test_a_signal_ends_a_run_in_one_sentence(tmp_path, number, status, by):
  run = tmp_path / "run"
  arguments = (
    *SHORT,
    "--config.train.num_epochs=100",
    f"--config.data.data_dir={tmp_path}/data",
    f"--workdir={run}",
  )
  with subprocess.Popen(
    commands.command("dsth_jax.main", *arguments),
    cwd=commands.ROOT,
    env=commands.environment(),
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    text=True,
  ) as process:
    deadline = time.monotonic() + 120
    while not list(run.glob("checkpoints/*/[0-9]*")):
      assert process.poll() is None, "it ended before it could be stopped"
      assert time.monotonic() < deadline, "no checkpoint after two minutes"
      time.sleep(0.02)
    # A second command in the same directory is refused meanwhile.
    second = _run(*arguments)
    assert second.returncode == 1
    last = second.stderr.strip().splitlines()[-1]
    assert f"{run} is in use by process {process.pid} on " in last
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
  assert process.returncode == status
  assert "Traceback" not in said
  last = said.strip().splitlines()[-1]
  assert last.startswith(f"dsth_jax: stopped by {by}. Kept in {run}: ")
