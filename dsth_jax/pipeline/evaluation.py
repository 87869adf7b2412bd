"""The end of a run: the codes of every method measured, side by side.

Of many processes each measures some of the methods.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import logging
from jaxtyping import UInt8
from ml_collections import ConfigDict

from dsth_jax import codes, metrics
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.pipeline import label_generation, spectral_embedding
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.dsth import Stages
from dsth_jax.pipeline.inputs import Inputs
from dsth_jax.pipeline.workdir import Dependency, Workdir, settings
from dsth_jax.runtime import distributed, sharding
from dsth_jax.runtime.artifacts import Artifact, Writer

Metrics = dict[str, Any]
# UInt8[n w] of all or of the training images, by method.
PackedCodes = Mapping[str, np.ndarray]


class Baselines(NamedTuple):
  """What baselines give.

  Attributes:
    packed: codes of all images, by method.
    not_fitted: why others give none, by method.
  """

  packed: PackedCodes
  not_fitted: Mapping[str, str]


def evaluate(
  workdir: Workdir,
  config: ConfigDict,
  inputs: Inputs,
  stages: Stages,
  encode_baselines: Callable[[], Baselines],
  baselines: list[Dependency],
) -> Artifact:
  """Measures every method; returns `results` as JSON.

  Args:
    workdir: of the run.
    config: of the run.
    inputs: of all methods.
    stages: of DSTH.
    encode_baselines: encodes all images by each baseline.
    baselines: what their codes follow from.
  """

  def make(writer: Writer) -> None:
    encoded = encode_baselines()
    of_all = {"dsth": stages.codes.arrays["packed"], **encoded.packed}
    of_training = _packed_labels(stages)
    writer.write_json(
      "results",
      {
        "statistics": {
          method: metrics.code_statistics(rows, num_bits=config.num_bits)
          for method, rows in {**of_all, **of_training}.items()
        },
        "not_fitted": dict(encoded.not_fitted),
        "held_out": _held_out(config, inputs, of_all),
        "training": _training(config, inputs, of_all, of_training),
      },
    )

  depends_on: list[Dependency] = [
    stages.embedding,
    stages.labels,
    stages.codes,
    *inputs.depends_on("features"),
    settings(config, "eval", "seed"),
    *baselines,
  ]
  return workdir.artifact("evaluation", depends_on, make)


def _packed_labels(stages: Stages) -> PackedCodes:
  """Returns the hash labels of the training images, and the paper's."""
  embedding = spectral_embedding.read_embedding(stages.embedding)
  return {
    "labels": np.asarray(codes.pack(stages.labels.arrays["codes"])),
    "paper_labels": np.asarray(
      codes.pack(label_generation.paper_labels(embedding))
    ),
  }


def _held_out(
  config: ConfigDict, inputs: Inputs, packed: PackedCodes
) -> Metrics | None:
  """Evaluates held-out queries against the database."""
  data = inputs.data
  if data.dataset.ground_truth is None:
    return None
  query, database = data.splits.query, data.splits.database
  work = {
    method: functools.partial(
      evaluate_codes, config, data, rows[query], rows[database]
    )
    for method, rows in packed.items()
  }
  cosine = functools.partial(evaluate_features, config, inputs)
  return distributed.divided({**work, "cosine": cosine})


def evaluate_codes(
  config: ConfigDict,
  data: Data,
  query: UInt8[np.ndarray, "q w"],
  database: UInt8[np.ndarray, "m w"],
) -> Metrics:
  """Evaluates the packed codes of held-out queries and of the database."""
  return metrics.evaluate(
    query,
    database,
    _held_out_truth(data),
    num_bits=config.num_bits,
    max_rank=config.eval.max_rank,
    mesh=_own_devices(),
  )


def _own_devices() -> jax.sharding.Mesh:
  """Returns this process's devices: each process evaluates other methods."""
  return sharding.make_mesh(jax.local_devices())


def evaluate_features(config: ConfigDict, inputs: Inputs) -> Metrics:
  """Evaluates the features of held-out queries and of the database."""
  splits = inputs.data.splits
  return metrics.evaluate_features(
    inputs.features.points[splits.query],
    inputs.features.points[splits.database],
    _held_out_truth(inputs.data),
    max_rank=config.eval.max_rank,
  )


def _held_out_truth(data: Data) -> GroundTruth:
  truth, splits = data.dataset.ground_truth, data.splits
  assert truth is not None
  return truth.select(splits.query, splits.database)


def _training(
  config: ConfigDict,
  inputs: Inputs,
  of_all: PackedCodes,
  of_training: PackedCodes,
) -> Metrics | None:
  """Evaluates a sample of training images against all others.

  Only training images have hash labels, so this is where these can be
  compared; the other methods are measured in the same way. None without labels:
  lists say what is relevant to the queries, not to training images.
  """
  data = inputs.data
  truth = data.dataset.ground_truth
  if truth is None or truth.has_lists:
    return None
  training = data.splits.training
  count = min(config.eval.num_training_queries, len(training))
  rng = np.random.default_rng(config.seed)
  rows = np.sort(rng.choice(len(training), count, replace=False))
  others = {name: rows_[training] for name, rows_ in of_all.items()}
  truth = truth.select(training[rows], training)
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
    for method, found in {**of_training, **others}.items()
  }
  points = inputs.features.points[training]
  cosine = functools.partial(
    metrics.evaluate_features,
    points[rows],
    points,
    truth,
    max_rank=config.eval.max_rank,
  )
  return distributed.divided({**work, "cosine": cosine})


def log_headline(results: Metrics) -> None:
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
