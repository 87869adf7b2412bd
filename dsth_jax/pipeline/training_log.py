"""The log of a training run's losses."""

import json
import math
import pathlib
import time
from collections.abc import Sequence

import jax
import tensorboardX

from dsth_jax.runtime import artifacts, distributed, progress

# Of the JSON in the artifact of a training: [step, loss] pairs.
LOSSES = "losses"


class DivergedError(ValueError):
  """A loss is infinite or no number.

  Attributes:
    step: whose loss it is.
    loss: its value.
  """

  def __init__(self, step: int, loss: float):
    super().__init__(f"the loss at step {step} is {loss}")
    self.step, self.loss = step, loss


class TrainingLog:
  """Shows the loss with the progress, and logs it as JSON lines and for TensorBoard.

  Attributes:
    done: steps done.
    losses: [step, loss] of all that was logged, by earlier commands too.
  """

  def __init__(
    self,
    directory: pathlib.Path,
    *,
    name: str,
    log_every: int,
    batch_size: int,
    start: int,
    total: int,
    losses: Sequence[tuple[int, float]] = (),
  ):
    """Goes on with the losses of the steps up to `start`."""
    self.done = start
    self.losses = list(losses)
    self._every, self._batch_size = log_every, batch_size
    self._since = time.perf_counter()
    self._files: _Files | None = None
    if distributed.is_leader():
      self._files = _Files(directory, start, self.losses)
    self._progress = progress.Progress(
      name, unit="steps", total=total, done=start
    )

  def update(self, loss: jax.Array) -> None:
    """Counts one step; now and then reads, checks and logs its loss.

    Raises:
      DivergedError: the loss that was read is not finite.
    """
    self.done += 1
    if self.done % self._every == 0:
      now = time.perf_counter()
      speed = self._every * self._batch_size / (now - self._since)
      self._since = now
      value = float(loss)
      self._progress.note(f"loss {value:.4f}, {speed:,.0f} images/s")
      self.losses.append((self.done, value))
      if self._files:
        self._files.write(self.done, value, speed)
      self.check(value)
    self._progress.update()

  def check(self, loss: float) -> None:
    """Raises DivergedError if the loss of the latest step is not finite."""
    if not math.isfinite(loss):
      raise DivergedError(self.done, loss)

  def close(self) -> None:
    """Closes the files and the progress."""
    self._progress.close()
    if self._files:
      self._files.close()


class _Files:
  """The log as the leader keeps it on disk."""

  def __init__(
    self,
    directory: pathlib.Path,
    start: int,
    losses: Sequence[tuple[int, float]],
  ):
    directory.mkdir(parents=True, exist_ok=True)
    # A resumed run repeats the steps since its checkpoint: they are cut off.
    path = directory / "losses.jsonl"
    artifacts.write_text(path, "".join(_line(*entry) for entry in losses))
    self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115
    self._writer = tensorboardX.SummaryWriter(
      str(directory), purge_step=start + 1
    )

  def write(self, step: int, loss: float, images_per_second: float) -> None:
    """Adds a line to each."""
    self._file.write(_line(step, loss))
    self._file.flush()
    self._writer.add_scalar("loss", loss, step)
    self._writer.add_scalar("images_per_second", images_per_second, step)

  def close(self) -> None:
    """Closes both."""
    self._file.close()
    self._writer.close()


def _line(step: int, loss: float) -> str:
  return json.dumps({"step": step, "loss": loss}) + "\n"
