"""One run on many processes, for real: on this machine, over loopback."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import time

import numpy as np
import pytest
from support import commands

pytestmark = pytest.mark.multidevice

SHORT = (
  "--config=configs/digits.py",
  "--config.num_bits=16",
  "--config.train.num_epochs=1",
  "--config.train.checkpoint_seconds=0",
  "--config.spectral.solver=chebyshev",
  "--config.eval.num_training_queries=100",
  "--config.eval.baselines=('lsh',)",
)
# What is said within a minute of a loss, with room for a busy machine.
SOON = 60


def _free_port():
  with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    return free.getsockname()[1]


@contextlib.contextmanager
def _processes(number, arguments_of, *, started=None):
  """Starts the processes of one run; none of them outlives the test."""
  address = f"127.0.0.1:{_free_port()}"
  processes = [
    subprocess.Popen(
      commands.command(
        "dsth_jax.main",
        *arguments_of(index),
        "--multihost",
        f"--coordinator_address={address}",
        f"--num_processes={number}",
        f"--process_id={index}",
      ),
      cwd=commands.ROOT,
      env=commands.environment(),
      stdout=subprocess.DEVNULL,
      stderr=subprocess.PIPE,
      text=True,
    )
    for index in started or range(number)
  ]
  try:
    yield processes
  finally:
    for process in processes:
      process.kill()
      process.wait()


def _ends(processes, timeout=280):
  """Returns the exit code and the last words of every process."""
  ends = []
  for process in processes:
    _, said = process.communicate(timeout=timeout)
    ours = [line for line in said.splitlines() if line.startswith("dsth_jax:")]
    ends.append((process.returncode, ours[-1] if ours else said))
  return ends


def _run(number, workdir, *arguments):
  everyones = (*SHORT, *arguments, f"--workdir={workdir}")
  with _processes(number, lambda _: everyones) as processes:
    for code, said in _ends(processes):
      assert code == 0, said


def _arrays(workdir):
  names = (
    *("features/pixels/features", "graph/indices", "graph/similarities"),
    *("embedding/vectors", "labels/codes", "codes/packed", "codes/thresholds"),
  )
  return {name: np.load(workdir / f"{name}.npy") for name in names}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  directory = tmp_path_factory.mktemp("data")
  return f"--config.data.data_dir={directory}"


def _bits_that_differ(first, second):
  return np.bitwise_count(first ^ second).sum() / (8 * first.size)


@pytest.mark.slow
def test_processes_end_where_one_does(tmp_path, data):
  _run(2, tmp_path / "two", data)
  one = commands.run(
    "dsth_jax.main",
    *SHORT,
    data,
    f"--workdir={tmp_path}/one",
    num_devices=2,
  )
  assert one.returncode == 0, one.stderr
  two_processes, two_devices = map(
    _arrays, (tmp_path / "two", tmp_path / "one")
  )
  for name, expected in two_devices.items():
    np.testing.assert_array_equal(two_processes[name], expected, err_msg=name)
  losses = [
    (tmp_path / run / "training" / "losses.json").read_text()
    for run in ("one", "two")
  ]
  assert losses[0] == losses[1]
  # Each process measured some of the methods.
  measured = [
    json.loads((tmp_path / run / "metrics.json").read_text())
    for run in ("one", "two")
  ]
  for name in ("held_out", "training", "statistics"):
    assert measured[0][name] == measured[1][name]
    assert list(measured[0][name]) == list(measured[1][name])


@pytest.mark.slow
def test_four_processes_end_near_where_one_does(tmp_path, data):
  one = commands.run(
    "dsth_jax.main", *SHORT, data, f"--workdir={tmp_path}/one", num_devices=4
  )
  assert one.returncode == 0, one.stderr
  # Four add up their gradients in another order than one process does: the
  # hash labels are the same, the codes almost.
  _run(4, tmp_path / "four", data)
  four = _arrays(tmp_path / "four")
  four_devices = _arrays(tmp_path / "one")
  np.testing.assert_array_equal(
    four["labels/codes"], four_devices["labels/codes"]
  )
  packed = [run["codes/packed"] for run in (four, four_devices)]
  assert _bits_that_differ(*packed) < 0.05


# Long enough to be stopped in the middle.
LONG = (*SHORT, "--config.train.num_epochs=200")


def _wait_for_checkpoint(run, processes):
  deadline = time.monotonic() + 240
  while not list(run.glob("checkpoints/*/[0-9]*/_CHECKPOINT_METADATA")):
    assert all(process.poll() is None for process in processes)
    assert time.monotonic() < deadline, "no checkpoint"
    time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_whatever_process_is_lost_the_other_says_the_same(
  tmp_path, data, victim, number
):
  run = tmp_path / "run"
  everyones = (*LONG, data, f"--workdir={run}")
  with _processes(2, lambda _: everyones) as processes:
    _wait_for_checkpoint(run, processes)
    processes[victim].send_signal(number)
    start = time.monotonic()
    other = processes[1 - victim]
    _, said = other.communicate(timeout=2 * SOON)
    assert time.monotonic() - start < SOON
  assert other.returncode == 1
  assert "another process of this run was lost" in said.splitlines()[-1]
  # Neither stack frames of C++ nor a traceback.
  assert "    @ " not in said
  assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
  ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_to_one_process_stops_all_at_one_checkpoint(
  tmp_path, data, number, status
):
  run = tmp_path / "run"
  everyones = (*LONG, data, f"--workdir={run}")
  with _processes(2, lambda _: everyones) as processes:
    _wait_for_checkpoint(run, processes)
    processes[1].send_signal(number)
    start = time.monotonic()
    ends = _ends(processes)
    assert time.monotonic() - start < SOON
  steps = set()
  for code, said in ends:
    assert code == status, said
    steps |= set(re.findall(r"the training up to step (\d+)\.", said))
  (step,) = steps
  (checkpoint,) = run.glob("checkpoints/*")
  assert (checkpoint / step).is_dir()


@pytest.mark.slow
def test_a_lost_process_ends_the_others_and_the_run_goes_on(tmp_path, data):
  run = tmp_path / "run"
  everyones = (*SHORT, data, f"--workdir={run}")
  with _processes(2, lambda _: everyones) as processes:
    _wait_for_checkpoint(run, processes)
    processes[1].send_signal(signal.SIGKILL)
    start = time.monotonic()
    ((code, said),) = _ends(processes[:1])
    assert time.monotonic() - start < SOON
  assert code == 1
  assert "another process of this run was lost" in said
  assert not (run / "codes").exists()

  # On another number of processes, and so of devices.
  resumed = commands.run("dsth_jax.main", *everyones)
  assert resumed.returncode == 0, resumed.stderr
  stages = json.loads((run / "stages.json").read_text())
  assert stages["labels"]["reused"]
  steps = 1497 // 64
  assert stages["training"]["images_per_second"] is not None
  (checkpoint,) = run.glob("checkpoints/*")
  assert (checkpoint / str(steps)).is_dir()
  assert len(_arrays(run)["codes/packed"]) == 1797


def test_processes_that_disagree_are_refused(tmp_path):
  def arguments_of(index):
    return (*SHORT, f"--config.seed={index}", f"--workdir={tmp_path}/run")

  with _processes(2, arguments_of) as processes:
    ends = _ends(processes, timeout=SOON)
  for code, said in ends:
    assert code == 1
    assert "process 1 was started with other settings than process 0" in said
  assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("started", [0, 1], ids=["no others", "no coordinator"])
def test_a_process_that_waits_in_vain_ends(tmp_path, started):
  def arguments_of(_):
    return (*SHORT, f"--workdir={tmp_path}/run", "--start_seconds=5")

  with _processes(2, arguments_of, started=[started]) as processes:
    ((code, said),) = _ends(processes, timeout=SOON)
  assert code == 1
  assert "not all processes met at 127.0.0.1:" in said
  assert "within 5 s" in said


@pytest.mark.parametrize(
  ("arguments", "words"),
  [
    (("--num_processes=2",), "--num_processes was given without --multihost"),
    (("--multihost",), "--multihost could not start"),
  ],
)
def test_half_a_command_is_refused(tmp_path, arguments, words):
  result = commands.run(
    "dsth_jax.main", *SHORT, f"--workdir={tmp_path}/run", *arguments
  )
  assert result.returncode == 1
  assert words in result.stderr.strip().splitlines()[-1]


def test_a_batch_that_the_devices_do_not_divide_is_refused(tmp_path, data):
  result = commands.run(
    "dsth_jax.main",
    *SHORT,
    data,
    "--config.train.batch_size=63",
    f"--workdir={tmp_path}/run",
    num_devices=2,
  )
  assert result.returncode == 1
  last = result.stderr.strip().splitlines()[-1]
  assert "train.batch_size is 63, but a batch is split over 2 devices" in last
