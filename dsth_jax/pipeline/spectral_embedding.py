"""Neighbors to the affinity matrix, and the matrix to its embedding."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from absl import logging
from ml_collections import ConfigDict

from dsth_jax import graph, spectral
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.feature_extraction import Features
from dsth_jax.pipeline.seeds import stage_key
from dsth_jax.pipeline.workdir import Dependency, Workdir, settings
from dsth_jax.runtime import sharding
from dsth_jax.runtime.artifacts import Artifact, Writer


def embed(
  workdir: Workdir,
  config: ConfigDict,
  data: Data,
  described: Features,
  neighbors: Artifact,
) -> Artifact:
  """Returns the fields of `spectral.Embedding`, and `graph` as JSON."""

  def make(writer: Writer) -> None:
    affinity, report = _connected_affinity(
      config, neighbors.arrays, data, described
    )
    embedding = spectral.laplacian_eigenmaps(
      affinity,
      num_components=config.num_bits,
      tol=config.spectral.tol,
      max_iters=config.spectral.max_iters,
      solver=config.spectral.solver,
      key=stage_key(config.seed, "embedding"),
      mesh=sharding.make_mesh(),
    )
    _refuse_unconverged(embedding, config)
    writer.write(**embedding._asdict())
    writer.write_json("graph", report)

  depends_on: list[Dependency] = [
    neighbors,
    settings(config, "graph.symmetrize", "graph.connect", "spectral"),
    settings(config, "num_bits", "seed"),
  ]
  return workdir.artifact("embedding", depends_on, make)


def read_embedding(artifact: Artifact) -> spectral.Embedding:
  """Returns what `embed` has made."""
  arrays = artifact.arrays
  num_iters = int(arrays.pop("num_iters"))
  vectors = {name: jnp.asarray(array) for name, array in arrays.items()}
  return spectral.Embedding(**vectors, num_iters=num_iters)


def _connected_affinity(
  config: ConfigDict,
  neighbors: dict[str, np.ndarray],
  data: Data,
  described: Features,
) -> tuple[graph.Affinity, dict[str, Any]]:
  """Weighs the graph and joins its components, and says what it found."""
  affinity = graph.affinity(
    graph.Neighbors(
      jnp.asarray(neighbors["indices"]), jnp.asarray(neighbors["similarities"])
    ),
    symmetrize=config.graph.symmetrize,
  )
  num_components = graph.connected_components(affinity).num_components
  num_isolated = int((graph.degrees(affinity) == 0).sum())
  num_edges_added = 0
  if config.graph.connect and num_components > 1:
    points = described.points[data.splits.training]
    affinity, num_edges_added = graph.connect_components(affinity, points)
  if num_components > 1:
    logging.warning(
      "The graph has %d components, %d of them isolated points; %d edges "
      "were added between them.",
      num_components,
      num_isolated,
      num_edges_added,
    )
  report = {
    "num_neighbors": config.graph.num_neighbors,
    "recall": float(neighbors["recall"]),
    "symmetrize": config.graph.symmetrize,
    "num_edges": affinity.nse // 2,
    "num_components": num_components,
    "num_isolated": num_isolated,
    "num_edges_added": num_edges_added,
  }
  return affinity, report


def _refuse_unconverged(
  embedding: spectral.Embedding, config: ConfigDict
) -> None:
  if not spectral.is_converged(embedding, config.spectral.max_residual):
    largest = float(jnp.max(embedding.residuals))
    raise ValueError(
      f"The eigensolver stopped after {embedding.num_iters} iterations at a "
      f"residual of {largest:.1e}, but spectral.max_residual is "
      f"{config.spectral.max_residual:.1e}: raise spectral.max_iters, or take "
      "more neighbors (graph.num_neighbors)."
    )
