"""Errors that a person can mend, and how they are said: in one sentence."""

import pathlib

from absl import logging

from dsth_jax import distributed

ERRORS = (ValueError, OSError, ImportError)


def sentence(error: BaseException, directory: str) -> str:
  """Says what happened and what to do.

  Args:
    error: one of `ERRORS`.
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


def log_ours_alone() -> None:
  """Leaves out what JAX, Orbax and jax2onnx log of their inner workings."""
  logging.set_verbosity(logging.INFO)
  logging.get_absl_handler().addFilter(lambda record: _is_ours(record.pathname))


def _is_ours(path: str) -> bool:
  return pathlib.Path(__file__).parent in pathlib.Path(path).parents
