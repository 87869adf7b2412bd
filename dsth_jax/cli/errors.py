"""Errors that a user can correct, reported in one sentence."""

import os
import pathlib
import sys

from absl import flags, logging

from dsth_jax.runtime import distributed


def is_user_error(error: BaseException) -> bool:
  """Tells whether a sentence will do, where others need a traceback."""
  is_input = isinstance(error, (ValueError, OSError, ImportError))
  return is_input or distributed.is_lost_process(error)


def message(error: BaseException, directory: str) -> str:
  """Says what happened and what to do.

  Args:
    error: one that `is_user_error` accepts.
    directory: where results go, for an OSError that names no file.
  """
  if distributed.is_lost_process(error):
    return (
      "another process of this run was lost: its own last lines say why. Start "
      "all processes again, and the run goes on from what is finished."
    )
  if isinstance(error, OSError):
    return (
      f"{error.strerror or error}: {error.filename or directory}. Check the "
      "path, its permissions and the free space; what was finished is kept, "
      "and the same command goes on from there."
    )
  return str(error)


def leave(sentence: str) -> None:
  """Says why and ends this process at once, and so the others of its run.

  An ordinary exit waits for all processes, and they for this one.
  """
  print(f"dsth_jax: {sentence}", file=sys.stderr, flush=True)
  sys.stdout.flush()
  os._exit(1)


def parse_flags(argv: list[str], *, hint: str) -> list[str]:
  """Parses a command line that has only flags; ends the process if it is wrong.

  Args:
    argv: with the program's name.
    hint: what may have led to an argument that is no flag.
  """
  try:
    rest = flags.FLAGS(argv)
  except flags.Error as error:
    sys.exit(f"dsth_jax: {one_line(error)}")
  if len(rest) > 1:
    sys.exit(f"dsth_jax: stray argument {rest[1]!r}: {hint}")
  return rest


def one_line(error: Exception) -> str:
  """Returns what a library says of a flag, without its line breaks."""
  text = str(error.args[0] if error.args else error)
  return " ".join(text.replace("\\n", " ").replace("\\", "").split())


def log_only_ours() -> None:
  """Leaves out what JAX, Orbax and jax2onnx log of their inner workings."""
  logging.set_verbosity(logging.INFO)
  logging.get_absl_handler().addFilter(lambda record: _is_ours(record.pathname))


def _is_ours(path: str) -> bool:
  package = pathlib.Path(__file__).parents[1]
  return package in pathlib.Path(path).parents
