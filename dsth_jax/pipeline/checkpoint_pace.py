"""When a training writes a checkpoint, and when it stops: on all processes.

One process decides by its own clock after every step. Of many each has to do
the same at the same step, so they meet after every few: about once a second,
whatever a step takes.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dsth_jax.runtime import distributed, stopping

# Between two meetings of processes.
_MEETING_SECONDS = 1.0
# A checkpoint may take one part in this of the time between two.
_LEAST_RATIO = 50


class Decision(NamedTuple):
  """What is to be done after a step.

  Attributes:
    saves: writes a checkpoint.
    stop: the number of the signal that asks for the end, or None.
  """

  saves: bool
  stop: int | None


class CheckpointPace:
  """Decides after every step.

  Args:
    seconds: between two checkpoints; 0 writes one whenever it can. They are
      further apart where writing one takes more than 2% of that.
    clock: seconds from any point on.
  """

  def __init__(
    self, seconds: float, clock: Callable[[], float] = time.monotonic
  ):
    self._seconds, self._clock = seconds, clock
    now = clock()
    self._due = now + seconds
    self._meeting = now
    self._steps_left = self._steps_between = 1

  def decide(self) -> Decision:
    """Returns what is to be done after this step, the same on every process."""
    if distributed.num_processes() == 1:
      return Decision(self._clock() >= self._due, stopping.requested())
    self._steps_left -= 1
    if self._steps_left:
      return Decision(False, None)
    return self._meet()

  def saved(self, since: float) -> None:
    """Says that a checkpoint was written, begun at `since` of the clock."""
    now = self._clock()
    # 0 asks for all that there can be, and gets it.
    least = _LEAST_RATIO * (now - since) if self._seconds else 0.0
    self._due = now + max(self._seconds, least)

  def now(self) -> float:
    """Returns the clock's time."""
    return self._clock()

  def _meet(self) -> Decision:
    now = self._clock()
    pace = _MEETING_SECONDS / max(now - self._meeting, 1e-3)
    wanted = self._steps_between * min(pace, 2.0)
    own = np.array(
      [[now >= self._due, stopping.requested() or 0, max(1, round(wanted))]],
      np.int32,
    )
    every = distributed.of_all(own)
    # Of the leader, whose clock counts for all.
    saves, _, self._steps_between = map(int, every[0])
    self._steps_left = self._steps_between
    self._meeting = self._clock()
    return Decision(bool(saves), int(every[:, 1].max()) or None)
