"""A run's directory: which artifacts are current, and how long each took."""

import contextlib
import importlib.metadata
import json
import pathlib
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from absl import logging
from jaxtyping import Int, Shaped
from ml_collections import ConfigDict
from tqdm import tqdm

from dsth_jax.runtime import artifacts, distributed, lineage
from dsth_jax.runtime.artifacts import Artifact, Writer

# What an artifact is made from: another artifact, settings by name (see
# `settings`), a file, or a function whose source counts.
Dependency = Artifact | Mapping[str, Any] | pathlib.Path | Callable[..., Any]


class Workdir:
  """The working directory and the log of its stages.

  Attributes:
    path: where every artifact goes.
    stages: seconds, images a second and whether reused, for each stage.
  """

  def __init__(self, path: pathlib.Path):
    path.mkdir(parents=True, exist_ok=True)
    self.path = path
    self.stages: dict[str, dict[str, Any]] = {}
    self._log = path / "stages.json"
    self._earlier = artifacts.read_json(self._log)

  def artifact(
    self,
    name: str,
    depends_on: Sequence[Dependency],
    make: Callable[[Writer], None],
  ) -> Artifact:
    """Returns a stage's artifact; makes it where it is not current.

    It is current if all that it depends on is as it was, and so are the modules
    of this package that the module of `make` imports.

    Args:
      name: of the stage and its folder.
      depends_on: all that its content follows from.
      make: fills the artifact. All processes call it.

    Raises:
      ValueError: the artifact is of a newer version of this package, or this
        process sees another directory than the leader.
    """
    directory = self.path / name
    record = _record(make, depends_on)
    stored, old = artifacts.read_record(directory)
    is_current = stored == record.fingerprint
    if distributed.of_leader(is_current):
      self._reuse(name)
    else:
      reason = f"made again, {record.difference(old)}" if stored else "..."
      self._make(name, directory, record, reason, make)
      is_current = artifacts.read_record(directory)[0] == record.fingerprint
    if not is_current:
      raise ValueError(
        f"{directory} is not what the process that writes has written: all "
        "processes need the same version of dsth_jax and the same working "
        "directory, on a file system that they share."
      )
    return Artifact(name, directory, record.fingerprint)

  def _make(
    self,
    name: str,
    directory: pathlib.Path,
    record: artifacts.Record,
    reason: str,
    make: Callable[[Writer], None],
  ) -> None:
    with self.timed(name, reason) as work:
      writer = Writer(directory, record)
      try:
        make(writer)
        writer.finish()
      finally:
        writer.abandon()
      work.append(writer.num_images)
      distributed.wait_for_all(name)

  @contextlib.contextmanager
  def timed(self, name: str, reason: str = "...") -> Iterator[list[int]]:
    """Logs how long a stage takes; yields a list for the images it handled."""
    logging.info("%s: %s", name, reason)
    start, work = time.perf_counter(), list[int]()
    yield work
    seconds = time.perf_counter() - start
    speed = sum(work) / seconds if sum(work) else None
    self._note(name, seconds=seconds, images_per_second=speed, reused=False)
    images = f", {speed:,.0f} images/s" if speed else ""
    logging.info("%s: %.1f s%s", name, seconds, images)

  def _reuse(self, name: str) -> None:
    """Logs a stage whose artifact is current, with the time it once took."""
    unknown = {"seconds": 0.0, "images_per_second": None}
    known = {**self._earlier, **self.stages}.get(name, unknown)
    self._note(name, **{**known, "reused": True})
    logging.info("%s: reused", name)

  def _note(self, name: str, **entry: Any) -> None:
    self.stages[name] = entry
    artifacts.write_json(self._log, {**self._earlier, **self.stages})


def settings(config: ConfigDict, *names: str) -> dict[str, Any]:
  """Returns settings by their full names, for `depends_on`.

  Args:
    config: of the run.
    names: of fields, such as "graph.num_neighbors", or of whole sections.
  """
  found: dict[str, Any] = {}
  for name in names:
    value: Any = config
    for part in name.split("."):
      value = value[part]
    if isinstance(value, ConfigDict):
      found |= settings(config, *(f"{name}.{field}" for field in value))
    else:
      found[name] = value
  return found


def _record(
  make: Callable[[Writer], None], depends_on: Sequence[Dependency]
) -> artifacts.Record:
  """Returns what an artifact follows from, as JSON has it."""
  named: dict[str, Any] = {}
  others: dict[str, str] = {}
  code = dict(lineage.sources(make.__module__))
  for dependency in depends_on:
    if isinstance(dependency, Artifact):
      others[dependency.name] = dependency.fingerprint
    elif isinstance(dependency, pathlib.Path):
      status = dependency.stat()
      named[str(dependency)] = [status.st_size, status.st_mtime_ns]
    elif isinstance(dependency, Mapping):
      named |= dependency
    else:
      code |= lineage.sources(dependency.__module__)
  return artifacts.Record(json.loads(json.dumps(named)), others, code)


def write_rows(
  writer: Writer,
  make: Callable[[Int[np.ndarray, "m"]], Iterator[np.ndarray]],
  *,
  name: str,
  like: Shaped[np.ndarray, "*c"],
  num_rows: int,
  batch_size: int,
) -> None:
  """Writes an array of a row an image, batch by batch, and goes on in it.

  Args:
    writer: of the artifact.
    make: yields the batches of the images that this process is given.
    name: of the array.
    like: a row.
    num_rows: images, of all processes.
    batch_size: rows of a batch.
  """
  rows = writer.rows(name, shape=(num_rows, *like.shape), dtype=like.dtype)
  share = {"batch_size": batch_size, "start": rows.start}
  batches = distributed.in_order(
    make(distributed.own_rows(num_rows, **share)),
    num_rows=num_rows,
    like=like,
    **share,
  )
  for batch in progress(
    batches, total=num_rows, done=rows.start, name=name, unit="images"
  ):
    rows.append(batch)
  writer.num_images = num_rows - rows.start


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
