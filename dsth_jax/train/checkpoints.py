"""Orbax checkpoints of a training run."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import orbax.checkpoint as ocp


class TrainingCheckpoints:
  """Orbax checkpoints of one training run, the newest two kept.

  The folder belongs to one fingerprint: states of other settings lie in
  folders of their own and are neither read nor touched.
  """

  def __init__(self, directory: pathlib.Path, expected: str):
    options = ocp.CheckpointManagerOptions(max_to_keep=2, create=True)
    self._manager = ocp.CheckpointManager(
      (directory / expected).absolute(), options=options
    )

  def restore(self, state: Any) -> Any:
    """Returns the newest saved state, or `state` where none is saved.

    Raises:
      ValueError: the saved state is not of `state`'s shapes.
    """
    step = self._manager.latest_step()
    if step is None:
      return state
    try:
      return self._manager.restore(step, args=ocp.args.StandardRestore(state))
    except ValueError as error:
      raise ValueError(
        f"The checkpoint in {self._manager.directory} at step {step} is of "
        "another network or optimizer than this configuration's: delete that "
        "folder to train from the start, or pass another --workdir."
      ) from error

  def save(self, state: Any) -> None:
    """Saves a state under its step; returns before all is on disk.

    Raises:
      OSError: this state, or the one before, could not be written.
    """
    step = int(state.step)
    if step != self._manager.latest_step():
      with self._writing():
        self._manager.save(step, args=ocp.args.StandardSave(state))

  def close(self) -> None:
    """Waits until all is on disk.

    Raises:
      OSError: the last state could not be written.
    """
    with self._writing():
      self._manager.wait_until_finished()
    self._manager.close()

  @contextlib.contextmanager
  def _writing(self) -> Iterator[None]:
    """Converts TensorStore's report of a full disk into Python's own."""
    try:
      yield
    except ValueError as error:
      if "RESOURCE_EXHAUSTED" not in str(error):
        raise
      directory = str(self._manager.directory)
      raise OSError(
        errno.ENOSPC, os.strerror(errno.ENOSPC), directory
      ) from error
