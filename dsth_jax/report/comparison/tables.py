"""The tables of a comparison, before they become Markdown or HTML."""

from collections.abc import Mapping

from dsth_jax.report import descriptions, formatting, tables
from dsth_jax.report.columns import MAP
from dsth_jax.report.comparison.results import ComparisonResults
from dsth_jax.report.results import Metrics
from dsth_jax.report.tables import Cell, Table

# In a table of quality, after the metrics.
_KINDS = ("Kind", "Labels seen")
_TIMES = {"Fit, s": "fit_seconds", "Encode, s": "encode_seconds"}


def means(results: ComparisonResults, num_bits: int) -> dict[str, Metrics]:
  """Returns each method's mean metrics at a code length, the ceiling first."""
  return {
    "cosine": results["ceiling"],
    **_figures(results, num_bits, "mean"),
  }


def leaders(results: ComparisonResults, num_bits: int) -> dict[str, str]:
  """Returns the methods of the highest mean average precision, if any.

  Class labels decide which images are relevant, and some methods learn from
  them: one leader is "without class labels" and one "with class labels".
  """
  scores: dict[str, dict[str, float]] = {
    "without class labels": {},
    "with class labels": {},
  }
  for name, metrics in _figures(results, num_bits, "mean").items():
    if metrics:
      learned_from = results["summary"]["methods"][name]["learned_from"]
      is_supervised = "class labels" in learned_from
      group = f"with{'' if is_supervised else 'out'} class labels"
      scores[group][name] = metrics[MAP]
  return {
    group: max(found, key=found.__getitem__)
    for group, found in scores.items()
    if found
  }


def quality(results: ComparisonResults, num_bits: int) -> Table:
  """Returns one row per method at a code length, the ceiling on top."""
  shown = means(results, num_bits)
  spreads = _figures(results, num_bits, "spread")
  table = tables.quality(shown, spreads=spreads, unranked=("cosine",))
  rows = [
    row._replace(
      head=row.head._replace(note=_note(results, num_bits, row.method)),
      cells=row.cells
      + _kind(results, row.method)
      + [
        _time(shown[row.method].get(key), spreads.get(row.method, {}).get(key))
        for key in _TIMES.values()
      ],
    )
    for row in table.rows
  ]
  return Table([*table.columns, *_KINDS, *_TIMES], rows)


def statistics(results: ComparisonResults, num_bits: int) -> Table:
  """Returns the code statistics of each method, means over the seeds."""
  found = _figures(results, num_bits, "mean")
  return tables.statistics(
    {name: metrics["statistics"] for name, metrics in found.items() if metrics}
  )


def details(results: ComparisonResults) -> Table:
  """Returns the settings that are needed to repeat the comparison."""
  summary = results["summary"]
  entries = {
    "Data set": summary["dataset"],
    "Protocol": summary["protocol"],
    "Features": summary["backbone"],
    "Bits": ", ".join(map(str, summary["num_bits"])),
    "Seeds": ", ".join(map(str, summary["seeds"])),
    **results["environment"],
  }
  return tables.pairs("Name", "Value", entries.items())


def methods(results: ComparisonResults) -> dict[str, str]:
  """Returns the description of each method by its name."""
  return descriptions.methods(["cosine", *results["methods"]])


def _figures(
  results: ComparisonResults, num_bits: int, part: str
) -> Mapping[str, Metrics]:
  return {
    method: by_bits[str(num_bits)][part]
    for method, by_bits in results["methods"].items()
  }


def _note(results: ComparisonResults, num_bits: int, method: str) -> str:
  if method not in results["methods"]:
    return "features"
  seen = ", ".join(results["summary"]["methods"][method]["learned_from"])
  finished = len(results["methods"][method][str(num_bits)]["seeds"])
  wanted = len(results["summary"]["seeds"])
  missing = "" if finished == wanted else f"; {finished} of {wanted} seeds"
  return seen + missing


def _kind(results: ComparisonResults, method: str) -> list[Cell]:
  """Returns what makes the codes, and the number of labels that it has seen."""
  if method not in results["methods"]:
    return [Cell(formatting.DASH), Cell(formatting.DASH)]
  known = results["summary"]["methods"][method]
  return [
    Cell(descriptions.kind(known["network"])),
    Cell(f"{known['num_labels']:,}"),
  ]


def _time(mean: float | None, spread: float | None) -> Cell:
  note = formatting.plus_minus(formatting.seconds(spread))
  return Cell(formatting.seconds(mean), note)
