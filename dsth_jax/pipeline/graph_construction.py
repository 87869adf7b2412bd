"""Features to the neighbors of every training image."""

import jax
import numpy as np
from absl import logging
from ml_collections import ConfigDict

from dsth_jax import graph
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.feature_extraction import Features
from dsth_jax.pipeline.seeds import stage_key
from dsth_jax.pipeline.workdir import Dependency, Workdir, settings
from dsth_jax.runtime import sharding
from dsth_jax.runtime.artifacts import Artifact, Writer


def find_neighbors(
  workdir: Workdir, config: ConfigDict, data: Data, described: Features
) -> Artifact:
  """Returns `indices` and `similarities` of neighbors, and their `recall`."""

  def make(writer: Writer) -> None:
    points = described.points[data.splits.training]
    _check_distinct(points, config.num_bits + 1)
    neighbors, recall = _search(config, points)
    writer.write(**neighbors._asdict(), recall=recall)

  depends_on: list[Dependency] = [
    data.split,
    *described.depends_on,
    settings(config, "graph.num_neighbors", "graph.search"),
  ]
  if config.graph.search == "approximate":  # Only that draws anything.
    depends_on.append(settings(config, "seed"))
  return workdir.artifact("graph", depends_on, make)


def _search(
  config: ConfigDict, points: np.ndarray
) -> tuple[graph.Neighbors, float]:
  """Returns the neighbors, and what share of the true ones they are."""
  num_neighbors = config.graph.num_neighbors
  if config.graph.search == "exact":
    neighbors = graph.cosine_knn(
      points, num_neighbors=num_neighbors, mesh=sharding.make_mesh()
    )
    return neighbors, 1.0
  key = stage_key(config.seed, "graph")
  search_key, recall_key = jax.random.split(key)
  neighbors = graph.approximate_cosine_knn(
    points, num_neighbors=num_neighbors, key=search_key
  )
  recall = graph.recall(points, neighbors, key=recall_key)
  logging.info("%.1f%% of the true neighbors were found", 100 * recall)
  return neighbors, recall


def _check_distinct(points: np.ndarray, needed: int) -> None:
  """Refuses images that are, to the backbone, the same few again and again."""
  num_distinct = len({row.tobytes() for row in points})
  if num_distinct < needed:
    raise ValueError(
      f"The {len(points)} training images have only {num_distinct} different "
      f"features, but num_bits + 1 = {needed} are needed: remove "
      "duplicate and constant images and add others, or lower num_bits."
    )
