"""The codes that a method makes, and how long it took to."""

import pathlib
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import UInt8
from ml_collections import ConfigDict

from dsth_jax import codes, encode
from dsth_jax import config as config_lib
from dsth_jax.pipeline import methods, student
from dsth_jax.pipeline import training as learning
from dsth_jax.pipeline.methods import Inputs
from dsth_jax.pipeline.workdir import Run


class Encoded(NamedTuple):
  """Packed codes and the times of one method.

  Attributes:
    query: codes of the queries.
    database: codes of the database.
    fit_seconds: to learn from the training images; None if a student's
      training was cut off before its time was noted.
    encode_seconds: to encode the queries, compiled before, from features or
      pixels in memory.
  """

  query: UInt8[np.ndarray, "q w"]
  database: UInt8[np.ndarray, "m w"]
  fit_seconds: float | None
  encode_seconds: float


def encoded(
  run: Run, config: ConfigDict, inputs: Inputs, method: str
) -> Encoded:
  """Fits a method with the settings of its cell, and encodes both sides."""
  if method in config_lib.STUDENTS:
    return _by_student(run, config, inputs, method)
  return _by_baseline(config, inputs, method)


def _by_baseline(config: ConfigDict, inputs: Inputs, method: str) -> Encoded:
  fit = methods.fitting(config, inputs, method)
  start = time.perf_counter()
  encoder = jax.block_until_ready(fit())
  fit_seconds = time.perf_counter() - start
  seen, splits = methods.seen(inputs, method), inputs.data.splits

  def pack(rows: np.ndarray) -> np.ndarray:
    return np.asarray(codes.pack(encoder.encode(rows)))

  query, encode_seconds = _twice(pack, seen[splits.query])
  return Encoded(
    query, pack(seen[splits.database]), fit_seconds, encode_seconds
  )


def _by_student(
  run: Run, config: ConfigDict, inputs: Inputs, method: str
) -> Encoded:
  """Makes a student as a run does; both kinds cut one embedding."""
  shared = run.workdir / "dsth" / f"{config.num_bits}-{config.seed}"
  runs = student.Runs(run, _run(shared), _run(shared / method))
  made = student.fit(runs, config, inputs)
  splits, pixels = inputs.data.splits, methods.seen(inputs, method)
  network = learning.compile_network(config, made.variables)
  hash_function = encode.HashFunction(network, made.codes["thresholds"])
  size = config.encode.batch_size

  def pack(rows: np.ndarray) -> np.ndarray:
    batches = range(0, len(rows), size)
    packed = [hash_function(rows[first : first + size]) for first in batches]
    return np.concatenate(packed)

  _, encode_seconds = _twice(pack, pixels[splits.query])
  packed = made.codes["packed"]
  return Encoded(
    packed[splits.query],
    packed[splits.database],
    _fit_seconds(runs, config, len(splits.training)),
    encode_seconds,
  )


def _run(workdir: pathlib.Path) -> Run:
  workdir.mkdir(parents=True, exist_ok=True)
  return Run(workdir)


def _fit_seconds(
  runs: student.Runs, config: ConfigDict, num_images: int
) -> float | None:
  """Returns the time of all stages, earlier calls' included.

  A training that was resumed has only its last part timed, whose pace is taken
  for all of it.
  """
  pace = runs.student.stages["training"]["images_per_second"]
  if pace is None:
    return None
  steps = learning.num_steps(config, num_images)
  stages = (
    runs.graph.stages["graph"],
    runs.embedding.stages["embedding"],
    runs.student.stages["labels"],
  )
  training = steps * config.train.batch_size / pace
  return training + sum(stage["seconds"] for stage in stages)


def _twice(
  function: Callable[[np.ndarray], np.ndarray], rows: np.ndarray
) -> tuple[np.ndarray, float]:
  """Returns what a function gives, and the time of a second call."""
  function(rows)
  start = time.perf_counter()
  found = function(rows)
  return found, time.perf_counter() - start
