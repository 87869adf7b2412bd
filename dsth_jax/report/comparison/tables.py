"""The tables of a comparison, before they become Markdown or HTML."""

from collections.abc import Mapping
from typing import Any

from dsth_jax.baselines import BASELINES
from dsth_jax.report import descriptions, tables
from dsth_jax.report.comparison.results import Results
from dsth_jax.report.results import Metrics
from dsth_jax.report.tables import Cell, Row, Table

# Beside the figures of quality.
_TIMES = {"Fit, s": "fit_seconds", "Encode, s": "encode_seconds"}


def means(results: Results, num_bits: int) -> dict[str, Metrics]:
  """Returns each method's mean figures at a code length, the ceiling first."""
  return {
    "cosine": results["ceiling"],
    **_of_methods(results, num_bits, "mean"),
  }


def leaders(results: Results, num_bits: int) -> dict[str, str]:
  """Returns the methods of the highest mean average precision, if any.

  A method that learned class labels was told what others have to find out, so
  that there is one leader "without class labels" and one "with class labels".
  """
  scores: dict[str, dict[str, float]] = {
    "without class labels": {},
    "with class labels": {},
  }
  for name, figures in _of_methods(results, num_bits, "mean").items():
    if figures:
      group = (
        "with class labels" if _is_supervised(name) else "without class labels"
      )
      scores[group][name] = figures[descriptions.MAP]
  return {
    group: max(found, key=found.__getitem__)
    for group, found in scores.items()
    if found
  }


def quality(results: Results, num_bits: int) -> Table:
  """Returns one line a method at a code length, the ceiling on top."""
  shown = means(results, num_bits)
  spreads = _of_methods(results, num_bits, "spread")
  table = tables.quality(shown, spreads=spreads, aside=("cosine",))
  rows = [
    row._replace(
      head=row.head._replace(note=_note(results, num_bits, row.method)),
      cells=row.cells
      + [
        _time(shown[row.method].get(key), spreads.get(row.method, {}).get(key))
        for key in _TIMES.values()
      ],
    )
    for row in table.rows
  ]
  return Table([*table.columns, *_TIMES], rows)


def statistics(results: Results, num_bits: int) -> Table:
  """Returns how well each method uses its bits, on the mean over the seeds."""
  means = _of_methods(results, num_bits, "mean")
  found = {
    name: figures["statistics"] for name, figures in means.items() if figures
  }
  return tables.statistics(found)


def record(results: Results) -> Table:
  """Returns what one needs to know to repeat the comparison."""
  summary = results["summary"]
  entries: dict[str, Any] = {
    "Data set": summary["dataset"],
    "Protocol": summary["protocol"],
    "Features": summary["backbone"],
    "Bits": ", ".join(map(str, summary["num_bits"])),
    "Seeds": ", ".join(map(str, summary["seeds"])),
    **results["environment"],
  }
  rows = [Row(Cell(name), [Cell(str(text))]) for name, text in entries.items()]
  return Table(["What", "Value"], rows)


def who(results: Results) -> dict[str, str]:
  """Explains every method in a sentence, by its name."""
  methods = [
    descriptions.method(name) for name in ("cosine", *results["methods"])
  ]
  return {method.name: method.text for method in methods}


def inputs(method: str) -> str:
  """Says in a few words what a method learns from."""
  if method not in BASELINES:
    return "images, features"
  if method not in BASELINES:
    return "features"
  known = BASELINES[method]
  parts = [
    known.inputs,
    *(["features"] if known.needs_features else []),
    *(["class labels"] if known.supervised else []),
  ]
  return ", ".join(parts)


def _of_methods(
  results: Results, num_bits: int, part: str
) -> Mapping[str, Metrics]:
  return {
    method: by_bits[str(num_bits)][part]
    for method, by_bits in results["methods"].items()
  }


def _is_supervised(method: str) -> bool:
  return method in BASELINES and BASELINES[method].supervised


def _note(results: Results, num_bits: int, method: str) -> str:
  if method not in results["methods"]:
    return inputs(method)
  finished = len(results["methods"][method][str(num_bits)]["seeds"])
  wanted = len(results["summary"]["seeds"])
  missing = "" if finished == wanted else f"; {finished} of {wanted} seeds"
  return inputs(method) + missing


def _time(mean: float | None, spread: float | None) -> Cell:
  return Cell(
    descriptions.seconds(mean), tables.plus_minus(descriptions.seconds(spread))
  )
