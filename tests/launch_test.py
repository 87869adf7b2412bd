"""The launch files: linted, parsed, and the same command in all of them."""

import configparser
import json
import math
import pathlib
import re
import shlex
import signal
import subprocess
import sysconfig
import time

import pytest
import yaml
from absl import flags
from absl.testing import flagsaver

from dsth_jax import main
from dsth_jax.cli import command

ROOT = pathlib.Path(__file__).parents[1]
LAUNCH = ROOT / "launch"
FILES = sorted(path for path in LAUNCH.iterdir() if path.is_file())
SCRIPTS = [path for path in FILES if path.suffix == ".sh"]
README = (LAUNCH / "README.md").read_text()
COMMAND = ["python", "-m", "dsth_jax.main"]
# A space and a quote, for they are what a shell takes apart.
GIVEN = ["--config=configs/digits.py", "--workdir=/shared/it's a run"]

# What the scripts call, which writes down its arguments.
STAND_IN = """#!/usr/bin/env bash
name=${0##*/}
printf '%s\\n' "$name" "$@" "" >> "$CALLS"
[[ $name != srun ]] || sleep "${SECONDS_OF_SRUN:-0}"
[[ $name == scontrol ]] || exit "${STATUS:-0}"
"""


def _documents():
  for path in FILES:
    if path.suffix == ".yaml":
      yield from yaml.safe_load_all(path.read_text())


JOBS = {
  jobset["metadata"]["name"]: (jobset, replicated)
  for jobset in _documents()
  if jobset["kind"] == "JobSet"
  for replicated in jobset["spec"]["replicatedJobs"]
}


@pytest.fixture
def script(tmp_path):
  """Starts a script with stand-ins for what it calls."""
  for name in ("srun", "scontrol", "gcloud", "xpk"):
    path = tmp_path / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(STAND_IN)
    path.chmod(0o755)

  def start(name, **environment):
    required = re.findall(r"\$\{(\w+):\?", (LAUNCH / name).read_text())
    return subprocess.Popen(
      ["bash", LAUNCH / name, *GIVEN],
      env={
        "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
        "CALLS": str(tmp_path / "calls"),
        "SLURM_JOB_ID": "7",
        "SLURM_CPUS_PER_TASK": "8",
        **{variable: f"the-{variable.lower()}" for variable in required},
        **environment,
      },
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
    )

  return start


def _calls(tmp_path):
  path = tmp_path / "calls"
  text = path.read_text() if path.exists() else ""
  return [call.split("\n") for call in text.split("\n\n") if call]


def _called(tmp_path, name):
  return [call for call in _calls(tmp_path) if call[0] == name]


def _main_arguments(call):
  """Returns what main is given in a call, or in a call's --command."""
  for argument in call:
    if argument.startswith("--command="):
      call = shlex.split(argument.removeprefix("--command="))
  start = (
    call.index("the-image") + 1
    if "docker" in call
    else call.index(COMMAND[-1]) + 1
  )
  return call[start:]


def _parse(arguments, monkeypatch):
  """Parses as main does, and returns the flags; exits at a wrong one."""
  monkeypatch.chdir(ROOT)
  names = {flag.name for flag in flags.FLAGS.get_key_flags_for_module(main)}
  with flagsaver.flagsaver():
    command._parse_flags(["main", *arguments])
    given = {
      name: flags.FLAGS[name].value
      for name in (a.lstrip("-").split("=")[0] for a in arguments)
    }
  assert given.keys() <= names
  return given


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_clean_and_stop_at_the_first_error(path):
  shellcheck = pathlib.Path(sysconfig.get_path("scripts")) / "shellcheck"
  result = subprocess.run(
    [shellcheck, path], capture_output=True, text=True, check=False
  )
  assert result.returncode == 0, result.stdout + result.stderr
  lines = path.read_text().splitlines()
  code = [line for line in lines if line and not line.startswith("#")]
  assert code[0] == "set -euo pipefail"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_hand_their_flags_to_main(path, script, tmp_path, monkeypatch):
  assert script(path.name).wait(30) == 0
  [call] = _calls(tmp_path)
  arguments = _main_arguments(call)
  assert arguments == ["--multihost", *GIVEN]
  assert _parse(arguments, monkeypatch)["multihost"]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_what_scripts_require_is_in_the_readme(path):
  row = re.search(rf"`[^`]*launch/{path.name} .*", README)[0]
  required = re.findall(r"\$\{(\w+):\?", path.read_text())
  assert re.findall(r"`([A-Z_]+)`", row) == required


@pytest.mark.parametrize(
  ("status", "before", "requeued"),
  [(0, 0, 0), (1, 0, 1), (1, 9, 1), (1, 10, 0)],
)
def test_slurm_restarts_what_failed(status, before, requeued, script, tmp_path):
  process = script(
    "slurm.sh", STATUS=str(status), SLURM_RESTART_COUNT=str(before)
  )
  assert process.wait(30) == status
  assert (
    _called(tmp_path, "scontrol") == [["scontrol", "requeue", "7"]] * requeued
  )


def test_slurm_goes_back_into_the_queue_before_its_time_is_up(script, tmp_path):
  process = script("slurm.sh", SECONDS_OF_SRUN="20", SLURM_RESTART_COUNT="99")
  deadline = time.monotonic() + 30
  while not _called(tmp_path, "srun"):
    assert time.monotonic() < deadline
    time.sleep(0.02)
  process.send_signal(signal.SIGUSR1)
  assert process.wait(10) == 0
  assert _called(tmp_path, "scontrol") == [["scontrol", "requeue", "7"]]


def test_slurm_shows_every_task_all_gpus_of_its_node(script, tmp_path):
  text = (LAUNCH / "slurm.sh").read_text()
  options = dict(re.findall(r"^#SBATCH --([\w-]+)=(\S+)$", text, re.M))
  assert options["ntasks-per-node"] == options["gpus-per-node"]
  assert options["signal"].startswith("B:USR1@")
  assert "gpus-per-task" not in options
  assert script("slurm.sh").wait(30) == 0
  [call] = _calls(tmp_path)
  assert "--gpu-bind=none" in call[: call.index("python")]


def test_the_tpu_vm_is_tried_again_ten_times(script, tmp_path):
  assert script("tpu_vm.sh", STATUS="1").wait(30) == 1
  assert len(_calls(tmp_path)) == 11


@pytest.mark.parametrize("name", JOBS)
def test_jobsets_start_main_once_a_process(name, monkeypatch):
  jobset, replicated = JOBS[name]
  job = replicated["template"]["spec"]
  [container] = job["template"]["spec"]["containers"]
  assert jobset["apiVersion"] == "jobset.x-k8s.io/v1alpha2"
  assert replicated["replicas"] == 1
  assert job["parallelism"] == job["completions"] > 1
  assert job["completionMode"] == "Indexed"
  assert job["backoffLimit"] == 0
  assert jobset["spec"]["failurePolicy"]["maxRestarts"] > 0
  # The image's entry point is the command.
  assert "command" not in container
  variables = {variable["name"] for variable in container["env"]}
  arguments = [
    re.sub(r"\$\((\w+)\)", lambda found: _value(found[1], variables), argument)
    for argument in container["args"]
  ]
  given = _parse(arguments, monkeypatch)
  assert given["multihost"]
  if "num_processes" in given:
    first = f"{name}-{replicated['name']}-0-0.{name}"
    assert given["num_processes"] == job["parallelism"]
    assert given["coordinator_address"].split(":")[0] == first
    assert "--process_id=$(PROCESS_ID)" in container["args"]


def _value(name, variables):
  assert name in variables
  return "1"


@pytest.mark.parametrize("name", JOBS)
def test_jobsets_work_on_the_shared_file_system(name):
  job = JOBS[name][1]["template"]["spec"]
  pod = job["template"]["spec"]
  [container] = pod["containers"]
  claims = {
    document["metadata"]["name"]: document["spec"]["accessModes"]
    for document in _documents()
    if document["kind"] == "PersistentVolumeClaim"
  }
  volumes = {
    volume["name"]: volume["persistentVolumeClaim"]["claimName"]
    for volume in pod["volumes"]
    if "persistentVolumeClaim" in volume
  }
  [mount] = [m for m in container["volumeMounts"] if m["name"] in volumes]
  assert claims[volumes[mount["name"]]] == ["ReadWriteMany"]
  shared = pathlib.Path(mount["mountPath"])
  [workdir] = [a for a in container["args"] if a.startswith("--workdir=")]
  [data] = [v for v in container["env"] if v["name"] == "TFDS_DATA_DIR"]
  for path in (workdir.removeprefix("--workdir="), data["value"]):
    assert shared in pathlib.Path(path).parents


def test_accelerators_are_asked_for_as_the_nodes_have_them():
  resources = set()
  for _, replicated in JOBS.values():
    job = replicated["template"]["spec"]
    pod = job["template"]["spec"]
    [(resource, number)] = pod["containers"][0]["resources"]["limits"].items()
    resources.add(resource)
    selector = pod["nodeSelector"]
    if resource == "google.com/tpu":
      topology = selector["cloud.google.com/gke-tpu-topology"].split("x")
      chips = math.prod(map(int, topology))
      assert chips == job["parallelism"] * number
      assert "cloud.google.com/gke-tpu-accelerator" in selector
    else:
      assert "cloud.google.com/gke-accelerator" in selector
      assert number >= 1
  assert resources == {"google.com/tpu", "nvidia.com/gpu"}


def test_the_image_runs_main_with_an_extra_that_exists():
  text = (LAUNCH / "Dockerfile").read_text()
  [entry] = re.findall(r"^ENTRYPOINT (.*)$", text, re.M)
  assert json.loads(entry) == COMMAND
  setup = configparser.ConfigParser()
  setup.read(ROOT / "setup.cfg")
  [extras] = re.findall(r"^ +([a-z |]+)\) extra=\"\[", text, re.M)
  assert set(extras.split(" | ")) <= set(setup["options.extras_require"])
  assert re.search(r"^ARG USER=(?!root)", text, re.M)
  assert re.search(r"^USER \$USER$", text, re.M)
  copied = " ".join(re.findall(r"^COPY (.*) \S+$", text, re.M)).split()
  kept = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.M)
  assert sorted(copied) == sorted(kept)
  for name in copied:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_hyper_parameters_secrets_or_homes(path):
  text = path.read_text()
  assert "--config." not in text
  assert not re.search(
    r"(?i)passw|secret|token|credential|api.?key|private.?key|-----|AKIA|AIza",
    text,
  )
  assert not re.search(r"/home/|/root\b|/Users/|/opt/|~/", text)
  for config in re.findall(r"--config=([\w/]+\.py)", text):
    assert (ROOT / config).is_file()


def test_the_readme_names_every_file_and_no_other():
  named = set(re.findall(r"\]\(([^):]+)\)|launch/([\w.]+)", README))
  names = {name for pair in named for name in pair if name}
  assert names == {path.name for path in FILES} - {"README.md"}
