"""What a cell's method makes of the queries, and how long it takes."""

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import UInt8
from ml_collections import ConfigDict

from dsth_jax import codes, encode, metrics
from dsth_jax.baselines.interface import Encoder
from dsth_jax.pipeline import encoding, evaluation, fine_tuning, training
from dsth_jax.pipeline.dsth import Stages, Workdirs
from dsth_jax.pipeline.inputs import Inputs, Kind, network_inputs
from dsth_jax.runtime.artifacts import Writer

Make = Callable[[Writer], None]


def measure_baseline(
  config: ConfigDict,
  inputs: Inputs,
  seen: Kind,
  fitting: Callable[[], Callable[[], Encoder]],
) -> Make:
  """Returns what fits a baseline, encodes both sides and evaluates the codes.

  Args:
    config: of the cell.
    inputs: of all methods.
    seen: what this one sees.
    fitting: gives the call whose time is the fit's.
  """

  def make(writer: Writer) -> None:
    fit = fitting()
    start = time.perf_counter()
    encoder = jax.block_until_ready(fit())
    fit_seconds = time.perf_counter() - start
    rows, splits = inputs.rows(seen), inputs.data.splits

    def pack(part: np.ndarray) -> np.ndarray:
      return np.asarray(codes.pack(encoder.encode(part)))

    query, seconds = _second_call(pack, rows[splits.query])
    database = pack(rows[splits.database])
    writer.write_json(
      "outcome",
      {
        **_evaluated(config, inputs, query, database),
        "fit_seconds": fit_seconds,
        "encode_seconds": seconds,
      },
    )

  return make


def measure_dsth(
  config: ConfigDict, inputs: Inputs, stages: Stages, fit_seconds: float | None
) -> Make:
  """Returns what evaluates DSTH's codes, and times its encoding."""

  def make(writer: Writer) -> None:
    rows, splits = inputs.rows(network_inputs(config)), inputs.data.splits
    forward_batch = encoding.compile_network(
      config, stages.training, rows.shape[1:]
    )
    thresholds = stages.codes.arrays["thresholds"]

    def pack(part: np.ndarray) -> np.ndarray:
      values = encode.batch_values(
        forward_batch, part, config.encode.batch_size
      )
      return np.asarray(
        codes.pack(codes.binarize(np.concatenate([*values]), thresholds))
      )

    _, seconds = _second_call(pack, rows[splits.query])
    packed = stages.codes.arrays["packed"]
    query, database = packed[splits.query], packed[splits.database]
    writer.write_json(
      "outcome",
      {
        **_evaluated(config, inputs, query, database),
        "fit_seconds": fit_seconds,
        "encode_seconds": seconds,
      },
    )

  return make


def measure_features(config: ConfigDict, inputs: Inputs) -> Make:
  """Returns what evaluates the cosine of the features.

  Where backbones were trained further, their `classification` is beside it.
  """

  def make(writer: Writer) -> None:
    found = evaluation.evaluate_features(config, inputs)
    measured = fine_tuning.measure(config, inputs.data, inputs.features)
    if measured:
      found["classification"] = measured
    writer.write_json("outcome", found)

  return make


def fit_seconds(
  workdirs: Workdirs, config: ConfigDict, num_images: int
) -> float | None:
  """Returns the time of all stages, earlier calls' included.

  A training that was resumed has only its last part timed, whose pace is taken
  for all of it. None if it was cut off before its time was noted.
  """
  pace = workdirs.network.stages["training"]["images_per_second"]
  if pace is None:
    return None
  steps = training.num_steps(config, num_images)
  stages = (
    workdirs.graph.stages["graph"],
    workdirs.embedding.stages["embedding"],
    workdirs.network.stages["labels"],
  )
  of_training = steps * config.train.batch_size / pace
  return of_training + sum(stage["seconds"] for stage in stages)


def _evaluated(
  config: ConfigDict,
  inputs: Inputs,
  query: UInt8[np.ndarray, "q w"],
  database: UInt8[np.ndarray, "m w"],
) -> dict[str, Any]:
  return {
    "metrics": evaluation.evaluate_codes(config, inputs.data, query, database),
    "statistics": metrics.code_statistics(database, num_bits=config.num_bits),
  }


def _second_call(
  function: Callable[[np.ndarray], np.ndarray], rows: np.ndarray
) -> tuple[np.ndarray, float]:
  """Returns what a function gives, and the time of a second call."""
  function(rows)
  start = time.perf_counter()
  found = function(rows)
  return found, time.perf_counter() - start
