"""The input of the report of a comparison, of variants too."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from dsth_jax.report import descriptions
from dsth_jax.report.results import Metrics


class ComparisonResults(TypedDict):
  """The content of comparison.json, without variants.

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
    ceilings: of `flat`: metrics of the features by the name that is shown. Where
      there are several, `ceiling` has names without figures.
    descriptions: of `flat`: what a name among the methods stands for.
  """

  summary: Mapping[str, Any]
  ceiling: Metrics
  methods: Mapping[str, Mapping[str, Mapping[str, Any]]]
  failed: Sequence[Mapping[str, Any]]
  environment: Mapping[str, Any]
  ceilings: NotRequired[Mapping[str, Metrics]]
  descriptions: NotRequired[Mapping[str, str]]


class VariantResults(TypedDict):
  """The content of comparison.json of a comparison of variants.

  Attributes:
    summary: as that of `ComparisonResults`, without backbone and methods.
    variants: by name, the `settings` that are changed, the `backbone`, the
      `ceiling` (empty if it failed), what is known `about` each method, and
      `methods` as those of `ComparisonResults`.
    failed: as that of `ComparisonResults`, with the `variant` of each cell.
    environment: versions, devices and the like, by name.
  """

  summary: Mapping[str, Any]
  variants: Mapping[str, Mapping[str, Any]]
  failed: Sequence[Mapping[str, Any]]
  environment: Mapping[str, Any]


def flat(results: VariantResults) -> ComparisonResults:
  """Returns the results with every method of every variant as a method.

  It is named for the variant, and for the method where the variant has several.
  """
  variants, lengths = results["variants"], results["summary"]["num_bits"]
  names = {
    (variant, method): _name(variant, method, len(found["methods"]))
    for variant, found in variants.items()
    for method in found["methods"]
  }
  unmeasured: dict[str, Any] = {"seeds": [], "mean": {}, "spread": {}}
  nothing = {"network": "", "learned_from": [], "num_labels": 0}
  ceilings = _ceilings(variants)
  return {
    "summary": {
      **results["summary"],
      "backbone": " or ".join(
        dict.fromkeys(found["backbone"] for found in variants.values())
      ),
      "methods": {
        name: variants[variant]["about"].get(method, nothing)
        for (variant, method), name in names.items()
      },
    },
    "ceiling": _common(ceilings),
    "ceilings": ceilings,
    "methods": {
      name: {
        str(num_bits): variants[variant]["methods"][method].get(
          str(num_bits), unmeasured
        )
        for num_bits in lengths
      }
      for (variant, method), name in names.items()
    },
    "descriptions": {
      name: _description(variants[variant]["settings"])
      for (variant, _), name in names.items()
    },
    "failed": [
      {**cell, "method": names[cell["variant"], cell["method"]]}
      for cell in results["failed"]
    ],
    "environment": results["environment"],
  }


def _name(variant: str, method: str, num_methods: int) -> str:
  if num_methods == 1:
    return variant
  return f"{variant}, {descriptions.method(method).name}"


def _ceilings(
  variants: Mapping[str, Mapping[str, Any]],
) -> dict[str, Metrics]:
  """Returns the cosine's metrics, those of equal features once."""
  found: dict[str, Metrics] = {}
  for name, variant in variants.items():
    ceiling = variant["ceiling"]
    if ceiling and ceiling not in found.values():
      backbone = variant["backbone"]
      label = f"{backbone}, cosine"
      found[f"{backbone}, cosine ({name})" if label in found else label] = (
        ceiling
      )
  if len(found) == 1:
    return {"cosine": next(iter(found.values()))}
  return found


def _common(ceilings: Mapping[str, Metrics]) -> Metrics:
  """Returns the one ceiling of all; of several, only what can be read off it.

  No figure is that of all of them, but the names have ranks and betas.
  """
  first = next(iter(ceilings.values()), {})
  if len(ceilings) < 2:
    return first
  return {
    name: value if isinstance(value, list) else None
    for name, value in first.items()
  }


def _description(settings: Mapping[str, Any]) -> str:
  """Says what a variant changes."""
  changed = ", ".join(f"{name}={value}" for name, value in settings.items())
  return f"{changed}." if changed else "The settings of the comparison."
