"""What the commands share: flags, and errors reported in one sentence."""

import functools
import pathlib
import sys
from collections.abc import Callable

from absl import app, flags
from ml_collections import ConfigDict, config_flags

from dsth_jax import config as config_lib
from dsth_jax.cli import errors, quiet
from dsth_jax.config import default
from dsth_jax.runtime import allocator, distributed

flags.declare_key_flag("quiet")
_CONFIG = config_flags.DEFINE_config_file(
  "config",
  None,
  "The run's settings, a file in configs/; without one, the digits. Change a "
  "field with --config.section.field=value.",
)
_WORKDIR = flags.DEFINE_string(
  "workdir", "runs", "Where the run's results go; rerun to go on."
)
_MULTIHOST = flags.DEFINE_bool(
  "multihost",
  False,
  "This is one process of many, in SLURM, Kubernetes or on a TPU, or where the "
  "next three flags say. All share the working directory.",
)
_COORDINATOR = flags.DEFINE_string(
  "coordinator_address", None, "host:port of process 0."
)
_NUM_PROCESSES = flags.DEFINE_integer(
  "num_processes", None, "Processes of the whole run.", lower_bound=1
)
_PROCESS_ID = flags.DEFINE_integer(
  "process_id", None, "Which of them this is, from 0.", lower_bound=0
)
_START_SECONDS = flags.DEFINE_integer(
  "start_seconds",
  distributed.START_SECONDS,
  "Seconds within which all processes have to be there.",
  lower_bound=1,
)


def run(
  work: Callable[[ConfigDict, pathlib.Path], object], *, workdir: str
) -> None:
  """Runs a command: flags, settings, work; exits once it is done.

  Args:
    work: is given valid settings and the working directory. What a user can
      correct it raises as ValueError or OSError.
    workdir: the directory if no flag names one.
  """
  allocator.keep_freed_memory()
  flags.set_default(_WORKDIR, workdir)
  app.run(functools.partial(_main, work), flags_parser=_parse_flags)


def _main(
  work: Callable[[ConfigDict, pathlib.Path], object], argv: list[str]
) -> None:
  """Does the work; reports what a user can correct in one sentence."""
  del argv
  errors.log_only_ours()
  quiet.apply()
  config, workdir = _CONFIG.value, pathlib.Path(_WORKDIR.value)
  given = config_flags.get_override_values(flags.FLAGS["config"])
  config.data.given = tuple(sorted(given))

  def begin() -> None:
    _start_processes(config)
    config_lib.validate(config)
    work(config, workdir)
    if _MULTIHOST.value:
      distributed.shutdown()

  errors.run(begin, _WORKDIR.value, is_one_of_many=_MULTIHOST.value)


def _start_processes(config: ConfigDict) -> None:
  """Joins the other processes, if there are any."""
  if _MULTIHOST.value:
    distributed.initialize(
      coordinator_address=_COORDINATOR.value,
      num_processes=_NUM_PROCESSES.value,
      process_id=_PROCESS_ID.value,
      start_seconds=_START_SECONDS.value,
      give_up=errors.leave,
    )
    settings = f"{_WORKDIR.value} {config.to_json(sort_keys=True)}"
    distributed.refuse_disagreement("settings", settings)
    return
  for flag in (_COORDINATOR, _NUM_PROCESSES, _PROCESS_ID):
    if flag.value is not None:
      raise ValueError(
        f"--{flag.name} was given without --multihost: add --multihost, or "
        "leave it out."
      )


def _parse_flags(argv: list[str]) -> list[str]:
  """Parses the command line; says what is wrong with it in one sentence."""
  if not any(_names_config(argument) for argument in argv):
    argv = [argv[0], f"--config={default.__file__}", *argv[1:]]
  try:
    rest = errors.parse_flags(
      argv, hint="every setting is a flag, as in --config=FILE."
    )
    # A file that could not be loaded raises once a field is asked for.
    _ = _CONFIG.value.seed
  except AttributeError as error:
    text = errors.one_line(error)
    sys.exit(f"dsth_jax: there is no such setting: {text}")
  except (TypeError, OSError) as error:
    sys.exit(f"dsth_jax: {errors.one_line(error)}")
  return rest


def _names_config(argument: str) -> bool:
  return argument.lstrip("-").split("=")[0] == "config"
