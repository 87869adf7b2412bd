"""The input of the report of a comparison."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from dsth_jax.report.results import Metrics


class ComparisonResults(TypedDict):
  """The content of comparison.json.

  See `dsth_jax.comparison.summary.summarize`.

  Attributes:
    summary: what was compared on what, see `dsth_jax.report.results.Summary`;
      `num_bits` and `seeds` are lists, and `methods` has the `network` of each
      method, what it has `learned_from`, and `num_labels`.
    ceiling: metrics of the features, compared by cosine.
    methods: by method and number of bits (as text), the `seeds` that finished
      and the `mean` and `spread` of their metrics.
    failed: method, num_bits, seed and error of each cell that failed.
    environment: versions, devices and the like, by name.
  """

  summary: Mapping[str, Any]
  ceiling: Metrics
  methods: Mapping[str, Mapping[str, Mapping[str, Any]]]
  failed: Sequence[Mapping[str, Any]]
  environment: Mapping[str, Any]
