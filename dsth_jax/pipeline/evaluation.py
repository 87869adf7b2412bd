"""The end of a run: every method's codes measured, side by side.

Of many processes each measures some of the methods.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import logging
from jaxtyping import UInt8
from ml_collections import ConfigDict

from dsth_jax import codes, hamming, metrics, report
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.pipeline import methods
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.methods import Inputs
from dsth_jax.pipeline.workdir import Run
from dsth_jax.runtime import artifacts, distributed, sharding

Metrics = dict[str, Any]


class Packed(NamedTuple):
  """The packed codes that are compared.

  Attributes:
    everywhere: of all images, by method.
    training: of the training images alone, by method.
  """

  everywhere: dict[str, UInt8[np.ndarray, "n w"]]
  training: dict[str, UInt8[np.ndarray, "t w"]]


def encode_baselines(
  config: ConfigDict, inputs: Inputs
) -> dict[str, np.ndarray]:
  """Fits the baselines on the training images, and encodes all images."""
  packed = {}
  for name in config.eval.baselines:
    encoder = methods.fitting(config, inputs, name)()
    bits = encoder.encode(methods.seen(inputs, name))
    packed[name] = np.asarray(codes.pack(bits))
  return packed


def judge(
  run: Run,
  config: ConfigDict,
  inputs: Inputs,
  packed: Callable[[], Packed],
  fingerprint: str,
) -> Metrics:
  """Measures every method; returns what `metrics.json` holds of it."""
  settings = [
    config.baselines[name].to_dict() for name in config.eval.baselines
  ]
  fingerprint = artifacts.fingerprint(
    fingerprint, config.eval.to_dict(), settings
  )
  path = run.workdir / "evaluation.json"
  stored = artifacts.read_current(path, fingerprint)
  # What the leader sees decides, for all of them measure.
  if distributed.of_leader(stored is not None):
    assert stored is not None, f"{path} is on no shared file system"
    run.reuse("evaluation")
    return stored["results"]
  with run.timed("evaluation"):
    found = packed()
    results = {
      "statistics": {
        method: metrics.code_statistics(rows, num_bits=config.num_bits)
        for method, rows in {**found.everywhere, **found.training}.items()
      },
      "held_out": _held_out(config, inputs, found),
      "training": _training(config, inputs, found),
    }
    stored = {"fingerprint": fingerprint, "results": results}
    artifacts.write_json(path, stored)
  return results


def _held_out(
  config: ConfigDict, inputs: Inputs, packed: Packed
) -> Metrics | None:
  """Judges held-out queries against the database."""
  data = inputs.data
  if data.dataset.ground_truth is None:
    return None
  query, database = data.splits.query, data.splits.database
  work = {
    method: functools.partial(
      judge_codes, config, data, rows[query], rows[database]
    )
    for method, rows in packed.everywhere.items()
  }
  cosine = functools.partial(judge_features, config, inputs)
  return distributed.divided({**work, "cosine": cosine})


def judge_codes(
  config: ConfigDict,
  data: Data,
  query: UInt8[np.ndarray, "q w"],
  database: UInt8[np.ndarray, "m w"],
) -> Metrics:
  """Judges the packed codes of held-out queries and of the database."""
  return metrics.evaluate(
    query,
    database,
    _held_out_truth(data),
    num_bits=config.num_bits,
    max_rank=config.eval.max_rank,
    mesh=_own_devices(),
  )


def _own_devices() -> jax.sharding.Mesh:
  """Returns this process's devices: each process judges other methods."""
  return sharding.make_mesh(jax.local_devices())


def judge_features(config: ConfigDict, inputs: Inputs) -> Metrics:
  """Judges the features of held-out queries and of the database."""
  splits = inputs.data.splits
  return metrics.evaluate_features(
    inputs.points[splits.query],
    inputs.points[splits.database],
    _held_out_truth(inputs.data),
    max_rank=config.eval.max_rank,
  )


def _held_out_truth(data: Data) -> GroundTruth:
  truth, splits = data.dataset.ground_truth, data.splits
  assert truth is not None
  return truth.select(splits.query, splits.database)


def _training(
  config: ConfigDict, inputs: Inputs, packed: Packed
) -> Metrics | None:
  """Judges a sample of training images against all the others.

  Hash labels exist for training images alone, so this is where they can be
  compared; the other methods stand beside them under the same rule.
  """
  data = inputs.data
  if data.dataset.ground_truth is None:
    return None
  training = data.splits.training
  count = min(config.eval.num_training_queries, len(training))
  rng = np.random.default_rng(config.seed)
  rows = np.sort(rng.choice(len(training), count, replace=False))
  everywhere = {
    name: all_[training] for name, all_ in packed.everywhere.items()
  }
  truth = data.dataset.ground_truth.select(training[rows], training)
  work = {
    method: functools.partial(
      metrics.evaluate,
      found[rows],
      found,
      truth,
      num_bits=config.num_bits,
      max_rank=config.eval.max_rank,
      mesh=_own_devices(),
    )
    for method, found in {**packed.training, **everywhere}.items()
  }
  of_training = inputs.points[training]
  cosine = functools.partial(
    metrics.evaluate_features,
    of_training[rows],
    of_training,
    truth,
    max_rank=config.eval.max_rank,
  )
  return distributed.divided({**work, "cosine": cosine})


def picture_sheet(
  config: ConfigDict, data: Data, packed: UInt8[np.ndarray, "n w"]
) -> report.PictureSheet:
  """Searches the database for a few queries, and fetches their pictures."""
  dataset, splits = data.dataset, data.splits
  rng = np.random.default_rng(config.seed)
  count = min(config.eval.sheet_queries, len(splits.query))
  queries = np.sort(rng.choice(splits.query, count, replace=False))
  found = hamming.search(
    packed[queries],
    packed[splits.database],
    num_results=min(config.eval.sheet_results, len(splits.database)),
  )
  results = splits.database[np.asarray(found.indices)]
  relevant = None
  if dataset.ground_truth is not None:
    relevant = dataset.ground_truth.is_relevant(queries, results).tolist()
  return report.PictureSheet(
    queries=[dataset.images[int(row)] for row in queries],
    results=[[dataset.images[int(r)] for r in rows] for rows in results],
    distances=np.asarray(found.distances).tolist(),
    relevant=relevant,
    query_names=[dataset.names[row] for row in queries],
    result_names=[[dataset.names[row] for row in rows] for rows in results],
  )


def say_headline(results: Metrics) -> None:
  """Logs the figure a person waits for."""
  if results["held_out"] is None:
    logging.info("No class labels: the report shows pictures, no precision.")
    return
  for method, measured in results["held_out"].items():
    logging.info(
      "%-8s mAP over all ranks %.3f",
      method,
      measured["mean_average_precision"],
    )
