"""DSTH itself: from features to hash labels, a trained network and codes."""

from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dsth_jax import spectral
from dsth_jax.pipeline import label_generation, methods
from dsth_jax.pipeline import training as learning
from dsth_jax.pipeline.methods import Inputs
from dsth_jax.pipeline.workdir import Arrays, Run


class Runs(NamedTuple):
  """Whose directory a stage's artefact goes to.

  Students of one graph or embedding share its run; a single one has all its
  stages in one run.
  """

  graph: Run
  embedding: Run
  student: Run


class Student(NamedTuple):
  """All that was made on the way.

  Attributes:
    graph: what became of the neighbour graph.
    embedding: of the training images.
    labels: `codes` and `thresholds` of the training images.
    variables: of the network.
    codes: `packed` [n w] of all images, and their `thresholds`.
    fingerprint: of the codes.
  """

  graph: label_generation.GraphReport
  embedding: spectral.Embedding
  labels: Arrays
  variables: Any
  codes: Arrays
  fingerprint: str


def fit(runs: Runs, config: ConfigDict, inputs: Inputs) -> Student:
  """Makes every artefact that is not current, in the order of the line."""
  data, pixels = inputs.data, methods.seen(inputs, "dsth")
  training = inputs.points[data.splits.training]
  neighbors, graph_print = label_generation.build_graph(
    runs.graph, config, data, training
  )
  affinity, graph_report = label_generation.join_graph(
    config, neighbors, training
  )
  embedding, embedding_print = label_generation.embed(
    runs.embedding, config, affinity, graph_print
  )
  hash_labels, labels_print = label_generation.make_labels(
    runs.student, config, embedding, embedding_print
  )
  variables, training_print = learning.learn(
    runs.student, config, data, pixels, hash_labels, labels_print
  )
  encoded, codes_print = learning.encode_images(
    runs.student, config, data, pixels, hash_labels, variables, training_print
  )
  return Student(
    graph_report, embedding, hash_labels, variables, encoded, codes_print
  )
