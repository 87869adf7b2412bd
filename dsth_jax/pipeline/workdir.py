"""A run's directory: which artifacts are current, and how long each took."""

import contextlib
import functools
import importlib.metadata
import json
import pathlib
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from absl import logging
from jaxtyping import Int, Shaped
from ml_collections import ConfigDict

from dsth_jax import version
from dsth_jax.runtime import (
  artifacts,
  checksums,
  distributed,
  files,
  lineage,
  progress,
  records,
)
from dsth_jax.runtime.artifacts import Artifact, Writer

# What an artifact is made from: another artifact, settings by name (see
# `settings`), a file, or a function whose source counts.
Dependency = Artifact | Mapping[str, Any] | pathlib.Path | Callable[..., Any]


class Workdir:
  """The working directory and the log of its stages.

  Attributes:
    path: where every artifact goes.
    check_gigabytes: of an artifact's files, up to this is read before it is
      used again; see `checksums.find_damage`.
    stages: seconds, images a second and whether reused, for each stage.
    made_by: the versions and the machine that made each artifact, by name.
  """

  def __init__(self, path: pathlib.Path, check_gigabytes: float = 4.0):
    files.check_utf8(path, "the working directory")
    path.mkdir(parents=True, exist_ok=True)
    artifacts.remove_outdated(path)
    self.path = path
    self.check_gigabytes = check_gigabytes
    self.stages: dict[str, dict[str, Any]] = {}
    self.made_by: dict[str, Mapping[str, str]] = {}

  def below(self, name: str) -> "Workdir":
    """Returns a working directory in this one."""
    return Workdir(self.path / name, self.check_gigabytes)

  def artifact(
    self,
    name: str,
    depends_on: Sequence[Dependency],
    make: Callable[[Writer], None],
  ) -> Artifact:
    """Returns a stage's artifact; makes it where it is not current.

    It is current if all that it depends on is as it was, if so are the modules
    of this package that the module of `make` imports, and if its files are what
    was written.

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
    old = records.read(directory)
    is_current = old is not None and old.fingerprint == record.fingerprint
    damage = None
    if is_current and distributed.is_leader():
      damage = self._find_damage(directory, old)
    is_reused = bool(distributed.of_leader(is_current and damage is None))
    if not is_reused:
      num_repairs = self._num_repairs(old, damage)
      writer = Writer(
        directory, record, made_by=environment(), num_repairs=num_repairs
      )
      self._make(name, writer, _reason(record, old, damage), make)
    stored = records.read(directory)
    if stored is None or stored.fingerprint != record.fingerprint:
      raise ValueError(
        f"{directory} is not what the process that writes has written: all "
        "processes need the same version of dsth_jax and the same working "
        "directory, on a file system that they share."
      )
    self.made_by[name] = stored.made_by
    self._note(
      name,
      seconds=stored.seconds,
      images_per_second=stored.images_per_second,
      reused=is_reused,
    )
    if is_reused:
      logging.info("%s: reused", name)
    return Artifact(name, directory, stored.identity)

  @property
  def _max_bytes(self) -> int:
    # No number of gigabytes, infinity included, is too large.
    return int(min(self.check_gigabytes, 1e9) * checksums.GIGABYTE)

  def _find_damage(
    self, directory: pathlib.Path, old: records.Stored | None
  ) -> checksums.Damage | None:
    assert old is not None
    damage = checksums.find_damage(
      directory, old.files, max_bytes=self._max_bytes
    )
    if damage is not None:
      logging.warning("%s: it is made again.", damage)
    return damage

  def _num_repairs(
    self, old: records.Stored | None, damage: checksums.Damage | None
  ) -> int:
    """Returns a number that changes what depends on an artifact made again.

    The same content makes the same of it, unless damage was not seen before
    something was made from it.
    """
    if old is None or damage is None:
      return 0
    is_seen = checksums.is_checked_whole(old.files, self._max_bytes)
    return old.num_repairs + (0 if is_seen else 1)

  def _make(
    self,
    name: str,
    writer: Writer,
    reason: str,
    make: Callable[[Writer], None],
  ) -> None:
    with self.timed(name, reason) as work:
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
    with progress.alive(name):
      yield work
    seconds = time.perf_counter() - start
    speed = sum(work) / seconds if sum(work) else None
    self._note(name, seconds=seconds, images_per_second=speed, reused=False)
    images = f", {speed:,.0f} images/s" if speed else ""
    logging.info("%s: %.1f s%s", name, seconds, images)

  def _note(self, name: str, **entry: Any) -> None:
    self.stages[name] = entry
    artifacts.write_json(self.path / "stages.json", self.stages)


def _reason(
  record: records.Record,
  old: records.Stored | None,
  damage: checksums.Damage | None,
) -> str:
  """Says why an artifact is made."""
  if old is None:
    return "..."
  if damage is not None:
    return f"made again, {damage.path.name} {damage.what}"
  return f"made again, {record.difference(old.record)}"


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
) -> records.Record:
  """Returns what an artifact follows from, as JSON has it."""
  named: dict[str, Any] = {}
  others: dict[str, str] = {}
  contents: dict[str, str] = {}
  code = dict(lineage.sources(make.__module__))
  for dependency in depends_on:
    if isinstance(dependency, Artifact):
      others[dependency.name] = dependency.fingerprint
    elif isinstance(dependency, pathlib.Path):
      contents[str(dependency)] = checksums.content(dependency)
    elif isinstance(dependency, Mapping):
      named |= dependency
    else:
      code |= lineage.sources(dependency.__module__)
  return records.Record(json.loads(json.dumps(named)), others, code, contents)


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
  for batch in progress.counted(
    batches, total=num_rows, done=rows.start, name=name, unit="images"
  ):
    rows.append(batch)
  writer.num_images = num_rows - rows.start


@functools.cache
def environment() -> Mapping[str, str]:
  """Returns the versions and the machine that a run depends on."""
  packages = ("jax", "jaxlib", "flax", "optax", "numpy", "scipy")
  versions = {name: importlib.metadata.version(name) for name in packages}
  devices = f"{jax.device_count()} x {jax.devices()[0].device_kind}"
  return {
    "dsth_jax": version.__version__,
    **versions,
    "python": platform.python_version(),
    "platform": platform.platform(),
    "devices": devices,
  }
