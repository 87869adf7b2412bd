"""The input of a report: the results of a run, and its picture sheet."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import numpy as np
from jaxtyping import UInt8

from dsth_jax.types import ArrayLike

# The figures of `dsth_jax.metrics`, by name; a figure that is missing, None or
# NaN is shown as a dash. K of mean_average_precision_at_K and the betas of the
# F-measures are read from the names.
Metrics = Mapping[str, Any]
# [step, loss] of the training.
Losses = Sequence[Sequence[int | float]]


class Summary(TypedDict):
  """What the run was.

  Attributes:
    dataset: its name, or that of the folder.
    protocol: a name in `dsth_jax.datasets.PROTOCOLS`.
    num_images: all that were read.
    num_queries: images that search.
    num_database: images that are searched.
    num_training: images that the hash network was trained on.
    num_bits: of a code.
    backbone: a name in `dsth_jax.models.BACKBONES`, "pixels", or a .npy file.
    labels: "diffusion" or "eigenvectors".
    network: the hash network, as in "SimpleNet 32x32, slice head, batchnorm".
    network_inputs: what the codes were encoded from, "images" or "features";
      "images" if it is left out.
  """

  dataset: str
  protocol: str
  num_images: int
  num_queries: int
  num_database: int
  num_training: int
  num_bits: int
  backbone: str
  labels: str
  network: str
  network_inputs: NotRequired[Literal["images", "features"]]


class Statistics(TypedDict):
  """How a method's codes use their bits, see `metrics.code_statistics`.

  Attributes:
    num_distinct_codes: of all codes.
    num_codes: the number of images encoded; may be left out.
    num_constant_bits: bits that no two codes differ in; may be left out.
    bit_balance: the mean of |share of ones - 1/2|, from 0 to 1/2.
    bit_correlation: the mean absolute correlation of two bits, from 0 to 1.
  """

  num_distinct_codes: int
  num_codes: NotRequired[int]
  num_constant_bits: NotRequired[int]
  bit_balance: float
  bit_correlation: float


class Stage(TypedDict):
  """What a stage cost.

  Attributes:
    seconds: of its work, in an earlier run if it was reused.
    reused: its artifact was up to date.
    images_per_second: None where a stage has no such rate.
  """

  seconds: float
  reused: bool
  images_per_second: float | None


class Graph(TypedDict):
  """The neighbor graph.

  Attributes:
    num_neighbors: k.
    recall: share of the true neighbors that were found, 1 if all.
    symmetrize: "union" or "mutual".
    num_edges: each pair of neighbors once.
    num_components: before edges were added.
    num_isolated: images without a neighbor.
    num_edges_added: to join the components.
  """

  num_neighbors: int
  recall: float
  symmetrize: str
  num_edges: int
  num_components: int
  num_isolated: int
  num_edges_added: int


class Embedding(TypedDict):
  """The solution of the eigenproblem.

  Attributes:
    eigenvalues: ascending.
    max_residual: the largest ||L v - lambda D v||.
    num_iters: of the solver, 0 if it was direct.
  """

  eigenvalues: Sequence[float]
  max_residual: float
  num_iters: int


class Account(TypedDict):
  """What became of everything in the source, see `dsth_jax.datasets.Account`.

  Attributes:
    found: the sum of the others.
    num_read: images.
    skipped: images that could not be used, by reason.
    not_images: all else, by kind.
  """

  found: int
  num_read: int
  skipped: Mapping[str, int]
  not_images: Mapping[str, int]


class Results(TypedDict):
  """The content of metrics.json.

  Methods by name: "dsth" (the hash function of this run), "labels" (its hash
  labels), "paper_labels" (hash labels of the paper's setting), "cosine" (the
  backbone's features), and the names in `dsth_jax.baselines.BASELINES`. Others
  are shown under their name.

  Attributes:
    summary: what the run was.
    held_out: metrics by method of held-out queries against the database; None
      without class labels.
    training: metrics by method of a sample of training images against all
      others; None without class labels of the training images.
    statistics: by method.
    stages: by name, in the order they ran. The features of each backbone may
      be a stage: "features/<backbone>".
    graph: the neighbor graph.
    embedding: the eigenproblem.
    classification: by the name of a backbone that was trained further, its
      `fine_tuning.accuracy` (None without queries that have a class), and
      `num_queries`, `num_labels` and `num_classes`; may be left out.
    losses: [step, loss] of the training; may be empty.
    skipped: [name, reason] of images that could not be read.
    account: of everything in the source; may be left out.
    not_fitted: why a baseline could not be fitted, by name; may be left out.
    environment: versions, devices and the like, by name.
  """

  summary: Summary
  held_out: Mapping[str, Metrics] | None
  training: Mapping[str, Metrics] | None
  statistics: Mapping[str, Statistics]
  stages: Mapping[str, Stage]
  graph: Graph
  embedding: Embedding
  classification: NotRequired[Mapping[str, Mapping[str, float | None]]]
  losses: Losses
  skipped: Sequence[Sequence[str]]
  account: NotRequired[Account]
  not_fitted: NotRequired[Mapping[str, str]]
  environment: Mapping[str, Any]


class PictureSheet(NamedTuple):
  """Some queries and their results by the codes of the hash function.

  Attributes:
    queries: images of any size.
    results: of each query, nearest first.
    distances: the number of differing bits of each result.
    relevant: whether each result shares a label with its query; None without
      class labels.
    query_names: one a query.
    result_names: one a result.
  """

  queries: Sequence[UInt8[ArrayLike, "_ _ 3"]]
  results: Sequence[Sequence[UInt8[ArrayLike, "_ _ 3"]]]
  distances: Sequence[Sequence[int]]
  relevant: Sequence[Sequence[bool]] | None
  query_names: Sequence[str]
  result_names: Sequence[Sequence[str]]


def measured(results: Results) -> dict[str, Mapping[str, Metrics]]:
  """Returns the metrics by method of each setting that has any."""
  settings = {
    "held_out": results["held_out"],
    "training": results["training"],
  }
  return {name: metrics for name, metrics in settings.items() if metrics}


def by_method(results: Results) -> dict[str, Metrics]:
  """Returns the metrics of each method in the first setting that has it."""
  held_out = results["held_out"] or {}
  return {**held_out, **(results["training"] or {}), **held_out}


def check(results: Results, sheet: PictureSheet) -> None:
  """Refuses results that lack a section, and sheets of unequal lengths.

  Raises:
    ValueError: with what is missing, or with the query that does not fit.
  """
  _check_keys("results", results, Results)
  sections = {"summary": Summary, "graph": Graph, "embedding": Embedding}
  for name, section in sections.items():
    _check_keys(f'results["{name}"]', results[name], section)  # type: ignore
  for part, section in (("statistics", Statistics), ("stages", Stage)):
    for name, entry in results[part].items():  # type: ignore
      _check_keys(f'results["{part}"]["{name}"]', entry, section)
  _check_columns(sheet)
  for row, (query, found) in enumerate(zip(sheet.queries, sheet.results)):
    for image in (query, *found):
      _check_image(row, np.asarray(image))


def _check_keys(name: str, given: Mapping[str, Any], wanted: type) -> None:
  required = wanted.__required_keys__  # type: ignore[attr-defined]
  missing = sorted(required - set(given))
  if missing:
    raise ValueError(
      f"{name} lack {', '.join(missing)}, but a report needs all of "
      f"{', '.join(sorted(required))}: pass None or an empty list for "
      "what the run does not have."
    )


def _check_columns(sheet: PictureSheet) -> None:
  columns = {
    "results": sheet.results,
    "distances": sheet.distances,
    "result_names": sheet.result_names,
  }
  if sheet.relevant is not None:
    columns["relevant"] = sheet.relevant
  widths = [len(found) for found in sheet.results]
  for name, column in columns.items():
    given = [len(row) for row in column]
    if given != widths or len(given) != len(sheet.queries):
      raise ValueError(
        f"the sheet's {name} have the lengths {given}, but its "
        f"{len(sheet.queries)} queries have {widths} results: pass one entry "
        "a result."
      )
  if len(sheet.query_names) != len(sheet.queries):
    raise ValueError(
      f"the sheet has {len(sheet.query_names)} query names for "
      f"{len(sheet.queries)} queries: pass one a query."
    )


def _check_image(row: int, image: np.ndarray) -> None:
  if (
    image.dtype != np.uint8
    or image.ndim != 3
    or image.shape[2] != 3
    or not image.size
  ):
    raise ValueError(
      f"an image in row {row} of the sheet is {image.dtype}"
      f"{list(image.shape)}, but uint8[height, width, 3] is needed: convert it "
      "to 8-bit RGB."
    )
