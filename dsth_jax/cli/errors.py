"""Errors that a user can correct, reported in one sentence."""

import os
import pathlib
import signal
import sys
import traceback
from collections.abc import Callable

from absl import flags, logging

from dsth_jax.runtime import distributed, native_errors, stopping


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
    return _LOST
  if isinstance(error, OSError):
    return (
      f"{error.strerror or error}: {error.filename or directory}. Check the "
      "path, its permissions and the free space; what was finished is kept, "
      "and the same command goes on from there."
    )
  return str(error)


def run(
  work: Callable[[], object], directory: str, *, is_one_of_many: bool = False
) -> None:
  """Does the work; ends the process in one sentence where that will do.

  Ctrl-C ends it with status 130, SIGTERM with 143, all else with 1.

  Args:
    work: raises what a user can correct as ValueError or OSError.
    directory: where results go.
    is_one_of_many: the other processes of the run would wait for one that
      waits for them, so that this one has to end at once.
  """

  def end(sentence: str, status: int = 1) -> None:
    if is_one_of_many:
      leave(sentence, status)
    print(f"dsth_jax: {sentence}", file=sys.stderr, flush=True)
    sys.exit(status)

  def stop(number: int, kept: str = "") -> tuple[str, int]:
    return stopped(number, directory, kept), stopping.exit_status(number)

  if is_one_of_many:
    native_errors.end_in_a_sentence(
      lambda: leave(*_lost(stopping.requested(), directory))
    )
  stopping.install(lambda number: leave(*stop(number)))
  try:
    work()
  except stopping.Stopped as error:
    end(*stop(error.number, error.kept))
  except BaseException as error:
    if distributed.is_lost_process(error):
      end(*_lost(stopping.requested(), directory))
    if is_user_error(error):
      logging.debug("%s", traceback.format_exc())
      end(message(error, directory))
    if is_one_of_many:
      leave(traceback.format_exc())
    raise


def stopped(number: int, directory: str, kept: str = "") -> str:
  """Says that a signal has stopped the work, and what is kept.

  Args:
    number: of the signal.
    directory: where results go.
    kept: what there is beside finished stages.
  """
  by = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
  kept = f", {kept}" if kept else ""
  return (
    f"stopped by {by}. Kept in {directory}: what was finished{kept}. The same "
    "command goes on from there."
  )


def _lost(requested: int | None, directory: str) -> tuple[str, int]:
  """Says why this process cannot go on without another, and the status.

  A signal to all of them stops one before it stops the others.
  """
  if requested is not None:
    return stopped(requested, directory), stopping.exit_status(requested)
  return _LOST, 1


_LOST = (
  "another process of this run was lost: its own last lines say why. Start "
  "all processes again, and the run goes on from what is finished."
)


def leave(sentence: str, status: int = 1) -> None:
  """Says why and ends this process at once, and so the others of its run.

  An ordinary exit waits for all processes, and they for this one.
  """
  print(f"dsth_jax: {sentence}", file=sys.stderr, flush=True)
  sys.stdout.flush()
  native_errors.flush()
  os._exit(status)


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
