"""Orbax checkpoints of a training run, with a checksum of their own."""

import contextlib
import errno
import json
import os
import pathlib
import shutil
import zlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging

from dsth_jax.runtime import distributed, sharding

_STATE, _RECORD = "state", "record"


class TrainingCheckpoints:
  """Orbax checkpoints of one training run, the newest two kept.

  The folder belongs to one fingerprint: states of other settings lie in
  folders of their own and are neither read nor touched.

  Attributes:
    notes: what was saved beside the state that `restore` has returned.
  """

  def __init__(self, directory: pathlib.Path, expected: str):
    options = ocp.CheckpointManagerOptions(max_to_keep=2, create=True)
    self.notes: Any = None
    self._directory = (directory / expected).absolute()
    self._manager = ocp.CheckpointManager(self._directory, options=options)

  def restore(self, state: Any) -> Any:
    """Returns the newest saved state that is intact.

    A damaged one is named in the log and removed, and gives way to the one
    before it; `state` where none is left.

    Args:
      state: of the same shapes and types.
    """
    for step in sorted(self._manager.all_steps(), reverse=True):
      found = self._restore_step(step, state)
      # All processes go on from one state.
      is_intact = distributed.of_all(np.array([found is not None])).all()
      if is_intact and found is not None:
        restored, self.notes = found
        return restored
      logging.warning(
        "%s is damaged, or of another network: the one before it is taken.",
        self._directory / str(step),
      )
      distributed.wait_for_all("damaged")
      if distributed.is_leader():
        shutil.rmtree(self._directory / str(step), ignore_errors=True)
      distributed.wait_for_all("removed")
      self._manager.reload()
    return state

  def _restore_step(self, step: int, state: Any) -> tuple[Any, Any] | None:
    """Returns a state and its notes; None where they are damaged."""
    wanted = ocp.args.Composite(
      **{
        _STATE: ocp.args.StandardRestore(state),
        _RECORD: ocp.args.JsonRestore(),
      }
    )
    # What is damaged fails in whatever way Orbax and TensorStore happen to.
    try:
      found = self._manager.restore(step, args=wanted)
      restored, notes = found[_STATE], found[_RECORD]["notes"]
      is_intact = found[_RECORD]["crc32"] == _checksum(restored, notes)
      return (restored, notes) if is_intact else None
    except OSError as error:
      if error.errno in (errno.EIO, errno.EACCES):
        raise
      return None
    except Exception as error:
      if distributed.is_lost_process(error) and distributed.num_processes() > 1:
        raise
      return None

  def save(self, state: Any, notes: Any = None) -> None:
    """Saves a state under its step; returns before all is on disk.

    Args:
      state: of the training.
      notes: of it, fit for JSON.

    Raises:
      OSError: this state, or the one before, could not be written.
    """
    step = int(state.step)
    if step != self._manager.latest_step():
      with self._writing():
        self._manager.save(
          step,
          args=ocp.args.Composite(
            **{
              _STATE: ocp.args.StandardSave(state),
              _RECORD: ocp.args.JsonSave(
                {"notes": notes, "crc32": _checksum(state, notes)}
              ),
            }
          ),
        )

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


def _checksum(state: Any, notes: Any) -> int:
  """Returns the CRC-32 of all numbers of a state, and of its notes."""
  found = zlib.crc32(json.dumps(notes).encode())
  for leaf in jax.tree.leaves(state):
    values = np.ascontiguousarray(sharding.to_host(leaf)).reshape(-1)
    found = zlib.crc32(values.view(np.uint8).data, found)
  return found
