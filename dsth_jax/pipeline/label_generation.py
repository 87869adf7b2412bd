"""Stage 1 of a run: images to features, graph, embedding and hash labels."""

import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import logging
from jaxtyping import Int
from ml_collections import ConfigDict

from dsth_jax import codes, datasets, features, graph, spectral
from dsth_jax.pipeline import workdir as run_lib
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.workdir import Arrays, Run, Work
from dsth_jax.runtime import artifacts, sharding


def extract_features(run: Run, config: ConfigDict, data: Data) -> Arrays:
  """Describes every image; returns `features` [n d]."""
  settings = config.features
  num_images = len(data.dataset.names)
  if settings.file:
    run.reuse("features")
    return {"features": features.read_npy(settings.file, num_images=num_images)}
  fingerprint = features_fingerprint(config, data)

  def make(directory: pathlib.Path, work: Work) -> None:
    forward_batch, num_features = features.backbone(
      settings.backbone,
      image_size=settings.image_size,
      batch_size=settings.batch_size,
    )

    def describe(rows: Int[np.ndarray, "m"]) -> Iterator[np.ndarray]:
      return features.extract(
        datasets.Selection(data.dataset.images, rows),
        forward_batch=forward_batch,
        image_size=settings.image_size,
        batch_size=settings.batch_size,
      )

    run_lib.write_rows(
      directory,
      fingerprint,
      work,
      describe,
      name="features",
      like=np.zeros(num_features, np.float32),
      num_rows=num_images,
      batch_size=settings.batch_size,
    )

  return run.artefact("features", fingerprint, make)


def features_fingerprint(config: ConfigDict, data: Data) -> str:
  """Returns what the features before centring depend on."""
  settings = config.features
  if settings.file:
    return artifacts.fingerprint(*_state_of_file(settings.file))
  parts = [data.dataset.fingerprint, settings.backbone, settings.image_size]
  if settings.backbone.endswith(".onnx"):
    parts += _state_of_file(settings.backbone)
  return artifacts.fingerprint(*parts)


def _state_of_file(path: str) -> tuple[int, int]:
  """Returns what changes when a file is written anew."""
  status = pathlib.Path(path).stat()
  return status.st_size, status.st_mtime_ns


def centred(config: ConfigDict, data: Data, described: Arrays) -> np.ndarray:
  """Returns the features, less the training images' mean where asked."""
  rows = described["features"]
  if not config.features.centre:
    return rows
  return features.centre(rows, reference=rows[data.splits.training])


def build_graph(
  run: Run, config: ConfigDict, data: Data, points: np.ndarray
) -> tuple[Arrays, str]:
  """Finds the training images' neighbours; returns `indices`, `recall` ..."""
  fingerprint = artifacts.fingerprint(
    data.fingerprint,
    features_fingerprint(config, data),
    config.features.centre,
    config.graph.num_neighbors,
    # Only the approximate search draws anything.
    config.seed if config.graph.search == "approximate" else None,
  )
  _check_distinct(points, 5 * config.num_bits)

  def make(directory: pathlib.Path, _: Work) -> None:
    neighbors, recall = _search(config, points)
    arrays = {**neighbors._asdict(), "recall": np.array(recall)}
    artifacts.write(directory, fingerprint, arrays)

  return run.artefact("graph", fingerprint, make), fingerprint


def _search(
  config: ConfigDict, points: np.ndarray
) -> tuple[graph.Neighbors, float]:
  """Returns the neighbours, and what share of the true ones they are."""
  num_neighbors = config.graph.num_neighbors
  if config.graph.search == "exact":
    neighbors = graph.cosine_knn(
      points, num_neighbors=num_neighbors, mesh=sharding.make_mesh()
    )
    return neighbors, 1.0
  search_key, recall_key = jax.random.split(stage_key(config, "graph"))
  neighbors = graph.approximate_cosine_knn(
    points, num_neighbors=num_neighbors, key=search_key
  )
  recall = graph.recall(points, neighbors, key=recall_key)
  logging.info("%.1f%% of the true neighbours were found", 100 * recall)
  return neighbors, recall


def _check_distinct(points: np.ndarray, needed: int) -> None:
  """Refuses images that are, to the backbone, the same few again and again."""
  num_distinct = len({row.tobytes() for row in points})
  if num_distinct < needed:
    raise ValueError(
      f"The {len(points)} training images have only {num_distinct} different "
      f"features, but 5 x num_bits = {needed} need at least {needed}: remove "
      "duplicate and constant images and add others, or lower num_bits."
    )


class GraphReport(NamedTuple):
  """What became of the neighbour graph."""

  num_neighbors: int
  recall: float
  symmetrize: str
  num_edges: int
  num_components: int
  num_isolated: int
  num_edges_added: int


def join_graph(
  config: ConfigDict, neighbors: Arrays, points: np.ndarray
) -> tuple[graph.Affinity, GraphReport]:
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
    affinity, num_edges_added = graph.connect_components(affinity, points)
  if num_components > 1:
    logging.warning(
      "The graph has %d components, %d of them isolated points; %d edges "
      "were added between them.",
      num_components,
      num_isolated,
      num_edges_added,
    )
  report = GraphReport(
    config.graph.num_neighbors,
    float(neighbors["recall"]),
    config.graph.symmetrize,
    affinity.nse // 2,
    num_components,
    num_isolated,
    num_edges_added,
  )
  return affinity, report


def embed(
  run: Run,
  config: ConfigDict,
  affinity: graph.Affinity,
  graph_fingerprint: str,
) -> tuple[spectral.Embedding, str]:
  """Solves the eigenproblem, and refuses what did not converge."""
  fingerprint = artifacts.fingerprint(
    graph_fingerprint,
    config.graph.to_dict(),
    config.spectral.to_dict(),
    config.num_bits,
    config.seed,
  )

  def make(directory: pathlib.Path, _: Work) -> None:
    embedding = spectral.laplacian_eigenmaps(
      affinity,
      num_components=config.num_bits,
      tol=config.spectral.tol,
      max_iters=config.spectral.max_iters,
      solver=config.spectral.solver,
      key=stage_key(config, "embedding"),
      mesh=sharding.make_mesh(),
    )
    _refuse_unconverged(embedding, config)
    artifacts.write(directory, fingerprint, embedding._asdict())

  arrays = run.artefact("embedding", fingerprint, make)
  num_iters = int(arrays.pop("num_iters"))
  vectors = {name: jnp.asarray(array) for name, array in arrays.items()}
  return spectral.Embedding(**vectors, num_iters=num_iters), fingerprint


def _refuse_unconverged(
  embedding: spectral.Embedding, config: ConfigDict
) -> None:
  if not spectral.is_converged(embedding, config.spectral.max_residual):
    largest = float(jnp.max(embedding.residuals))
    raise ValueError(
      f"The eigensolver stopped after {embedding.num_iters} iterations at a "
      f"residual of {largest:.1e}, but spectral.max_residual is "
      f"{config.spectral.max_residual:.1e}: raise spectral.max_iters, or take "
      "more neighbours (graph.num_neighbors)."
    )


def make_labels(
  run: Run,
  config: ConfigDict,
  embedding: spectral.Embedding,
  embedding_fingerprint: str,
) -> tuple[Arrays, str]:
  """Cuts the embedding into bits; returns `codes` and `thresholds`."""
  settings = config.labels
  fingerprint = artifacts.fingerprint(
    embedding_fingerprint, settings.to_dict(), config.seed
  )

  def make(directory: pathlib.Path, _: Work) -> None:
    values = embedding.vectors
    if settings.method == "diffusion":
      values = codes.diffusion_rotation(
        embedding,
        diffusion_time=settings.diffusion_time,
        num_iters=settings.num_iters,
        key=stage_key(config, "labels"),
      ).values
    thresholds = codes.THRESHOLDS[settings.threshold](values)
    bits = codes.binarize(values, thresholds)
    arrays = {"codes": np.asarray(bits), "thresholds": np.asarray(thresholds)}
    artifacts.write(directory, fingerprint, arrays)

  return run.artefact("labels", fingerprint, make), fingerprint


def paper_labels(embedding: spectral.Embedding) -> np.ndarray:
  """Returns the paper's hash labels: eigenvectors at their mean (Eq. 13)."""
  thresholds = codes.mean_thresholds(embedding.vectors)
  return np.asarray(codes.binarize(embedding.vectors, thresholds))


def stage_key(config: ConfigDict, stage: str) -> jax.Array:
  """The one rule for seeds: a stage's key is its name folded into the seed."""
  number = int(artifacts.fingerprint(stage), 16) % 2**31
  return jax.random.fold_in(jax.random.key(config.seed), number)
