"""What the commands share: two flags, and errors said in one sentence."""

import functools
import pathlib
import sys
import traceback
from collections.abc import Callable

from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from dsth_jax import allocator
from dsth_jax import config as config_lib

_CONFIG = config_flags.DEFINE_config_file(
  "config",
  None,
  "The run's settings, a file in configs/; without one, the digits. Change a "
  "field with --config.section.field=value.",
)
_WORKDIR = flags.DEFINE_string(
  "workdir", "runs", "Where the run's results go; rerun to go on."
)


def run(
  work: Callable[[ConfigDict, pathlib.Path], object], *, workdir: str
) -> None:
  """Runs a command: flags, settings, work; exits once it is done.

  Args:
    work: is given valid settings and the working directory. What a person can
      mend it raises as ValueError or OSError.
    workdir: the directory if no flag names one.
  """
  allocator.keep_freed_memory()
  flags.set_default(_WORKDIR, workdir)
  app.run(functools.partial(_main, work), flags_parser=_parse_flags)


def _main(
  work: Callable[[ConfigDict, pathlib.Path], object], argv: list[str]
) -> None:
  """Does the work; what a person can mend is said in one sentence."""
  del argv
  logging.set_verbosity(logging.INFO)
  # JAX, Orbax and jax2onnx log their inner workings through absl too.
  logging.get_absl_handler().addFilter(lambda record: _is_ours(record.pathname))
  config, workdir = _CONFIG.value, pathlib.Path(_WORKDIR.value)
  try:
    config_lib.validate(config)
    work(config, workdir)
  except (ValueError, OSError, ImportError) as error:
    logging.debug("%s", traceback.format_exc())
    sys.exit(f"dsth_jax: {_sentence(error)}")


def _parse_flags(argv: list[str]) -> list[str]:
  """Parses the command line; says what is wrong with it in one sentence."""
  if not any(_names_config(argument) for argument in argv):
    argv = [argv[0], f"--config={config_lib.__file__}", *argv[1:]]
  try:
    rest = flags.FLAGS(argv)
    # A file that could not be loaded raises once a field is asked for.
    _ = _CONFIG.value.seed
  except AttributeError as error:
    sys.exit(f"dsth_jax: there is no such setting: {_one_line(error)}")
  except (flags.Error, TypeError, OSError) as error:
    sys.exit(f"dsth_jax: {_one_line(error)}")
  if len(rest) > 1:
    sys.exit(
      f"dsth_jax: stray argument {rest[1]!r}: every setting is a flag, as in "
      "--config=FILE."
    )
  return rest


def _names_config(argument: str) -> bool:
  return argument.lstrip("-").split("=")[0] == "config"


def _one_line(error: Exception) -> str:
  text = str(error.args[0] if error.args else error)
  return " ".join(text.replace("\\n", " ").replace("\\", "").split())


def _is_ours(path: str) -> bool:
  return pathlib.Path(__file__).parent in pathlib.Path(path).parents


def _sentence(error: Exception) -> str:
  if isinstance(error, OSError):
    return (
      f"{error.strerror or error}: {error.filename or _WORKDIR.value}. Check "
      "the path, its permissions and the free space; what was finished is "
      "kept, and the same command goes on from there."
    )
  return str(error)
