"""A run's directory: which artefacts are current, and how long each took."""

import contextlib
import dataclasses
import importlib.metadata
import json
import pathlib
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np
from absl import logging
from jaxtyping import Int, Shaped
from tqdm import tqdm

from dsth_jax.runtime import artifacts, distributed

Arrays = dict[str, np.ndarray]


@dataclasses.dataclass
class Work:
  """What a stage did, for its speed.

  Attributes:
    num_images: images it went through.
  """

  num_images: int = 0


class Run:
  """The working directory and the log of its stages.

  Attributes:
    workdir: where every artefact goes.
    stages: seconds, images a second and whether reused, for each stage.
  """

  def __init__(self, workdir: pathlib.Path):
    self.workdir = workdir
    self.stages: dict[str, dict[str, Any]] = {}
    self._log = workdir / "stages.json"
    self._earlier = (
      json.loads(self._log.read_text()) if self._log.exists() else {}
    )

  def artefact(
    self,
    name: str,
    fingerprint: str,
    make: Callable[[pathlib.Path, Work], None],
  ) -> Arrays:
    """Returns a stage's arrays; makes them where they are not current.

    Args:
      name: of the stage and its folder.
      fingerprint: of all that the arrays depend on.
      make: writes the artefact into the folder it is given, and counts the
        images it goes through, where images are what it goes through. All
        processes call it.

    Raises:
      ValueError: this process sees another directory than the leader.
    """
    directory = self.workdir / name
    if distributed.of_leader(artifacts.is_current(directory, fingerprint)):
      self.reuse(name)
    else:
      with self.timed(name) as work:
        make(directory, work)
        distributed.wait_for_all(name)
    if not artifacts.is_current(directory, fingerprint):
      raise ValueError(
        f"{directory} is not what the process that writes has written: all "
        "processes need the same working directory, on a file system that "
        "they share."
      )
    return artifacts.read(directory)

  @contextlib.contextmanager
  def timed(self, name: str) -> Iterator[Work]:
    """Logs how long a stage's work takes."""
    logging.info("%s ...", name)
    start, work = time.perf_counter(), Work()
    yield work
    seconds = time.perf_counter() - start
    speed = work.num_images / seconds if work.num_images else None
    self._record(name, seconds=seconds, images_per_second=speed, reused=False)
    images = f", {speed:,.0f} images/s" if speed else ""
    logging.info("%s: %.1f s%s", name, seconds, images)

  def reuse(self, name: str) -> None:
    """Logs a stage whose artefact is current, with the time it once took."""
    unknown = {"seconds": 0.0, "images_per_second": None}
    known = {**self._earlier, **self.stages}.get(name, unknown)
    self._record(name, **{**known, "reused": True})
    logging.info("%s: reused", name)

  def _record(self, name: str, **entry: Any) -> None:
    self.stages[name] = entry
    artifacts.write_json(self._log, {**self._earlier, **self.stages})


def write_rows(
  directory: pathlib.Path,
  fingerprint: str,
  work: Work,
  make: Callable[[Int[np.ndarray, "m"]], Iterator[np.ndarray]],
  *,
  name: str,
  like: Shaped[np.ndarray, "*c"],
  num_rows: int,
  batch_size: int,
) -> None:
  """Writes an artefact of a row an image, batch by batch, and goes on in it.

  Args:
    directory: of the artefact.
    fingerprint: of all that the rows depend on.
    work: counts the images.
    make: yields the batches of the images that this process is given.
    name: of the array.
    like: a row.
    num_rows: images, of all processes.
    batch_size: rows of a batch.
  """
  writer = artifacts.RowWriter(
    directory,
    fingerprint,
    name=name,
    shape=(num_rows, *like.shape),
    dtype=like.dtype,
  )
  share = {"batch_size": batch_size, "start": writer.start}
  batches = distributed.in_order(
    make(distributed.own_rows(num_rows, **share)),
    num_rows=num_rows,
    like=like,
    **share,
  )
  for batch in progress(
    batches, total=num_rows, done=writer.start, name=name, unit="images"
  ):
    writer.append(batch)
  writer.finish()
  work.num_images = num_rows - writer.start


def progress(
  batches: Iterable[Any], *, total: int, done: int, name: str, unit: str
) -> Iterator[Any]:
  """Passes batches on, counting their rows in a bar with the time left."""
  bar = tqdm(
    total=total, initial=done, desc=name, unit=f" {unit}", disable=None
  )
  with bar:
    for batch in batches:
      yield batch
      bar.update(len(batch))


def environment() -> dict[str, str]:
  """Returns the versions and the machine that a run depends on."""
  packages = ("jax", "jaxlib", "flax", "optax", "numpy", "scipy")
  versions = {name: importlib.metadata.version(name) for name in packages}
  devices = f"{jax.device_count()} x {jax.devices()[0].device_kind}"
  return {
    **versions,
    "python": platform.python_version(),
    "platform": platform.platform(),
    "devices": devices,
  }
