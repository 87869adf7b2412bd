"""DSTH itself: from features to hash labels, a trained network and codes."""

from typing import NamedTuple

from ml_collections import ConfigDict

from dsth_jax.pipeline.encoding import encode_images, keep_hash_function
from dsth_jax.pipeline.graph_construction import find_neighbors
from dsth_jax.pipeline.inputs import Inputs
from dsth_jax.pipeline.label_generation import make_labels
from dsth_jax.pipeline.spectral_embedding import embed
from dsth_jax.pipeline.training import train_network
from dsth_jax.pipeline.workdir import Workdir
from dsth_jax.runtime.artifacts import Artifact


class Workdirs(NamedTuple):
  """Where the artifacts of a stage go.

  Runs that share a graph or an embedding share its directory; a single run has
  all its stages in one.
  """

  graph: Workdir
  embedding: Workdir
  network: Workdir


class Stages(NamedTuple):
  """The artifacts that were made on the way."""

  graph: Artifact
  embedding: Artifact
  labels: Artifact
  training: Artifact
  codes: Artifact
  hash_function: Artifact


def fit(workdirs: Workdirs, config: ConfigDict, inputs: Inputs) -> Stages:
  """Makes every artifact that is not current, in the order of the line."""
  data, features = inputs.data, inputs.features
  graph = find_neighbors(workdirs.graph, config, data, features)
  embedding = embed(workdirs.embedding, config, data, features, graph)
  own = workdirs.network
  labels = make_labels(own, config, embedding)
  training = train_network(own, config, inputs, labels)
  codes = encode_images(own, config, inputs, labels, training)
  hash_function = keep_hash_function(own, config, inputs, training, codes)
  return Stages(graph, embedding, labels, training, codes, hash_function)
