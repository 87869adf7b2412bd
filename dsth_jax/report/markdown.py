"""The report as Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence

from dsth_jax.report import (
  columns,
  descriptions,
  paragraphs,
  speed,
  tables,
  warnings,
)
from dsth_jax.report import results as results_lib
from dsth_jax.report.results import Metrics, Results

_ALT_TEXTS = {
  "precision_recall.png": "Precision against recall",
  "precision_of_returned.png": "Precision of the first images returned",
  "training_loss.png": "Loss of the hash network over the training steps",
  "results.png": "Queries and their results",
}
# What has a meaning in Markdown, or in HTML inside Markdown.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|&$~])")


def render(results: Results, pictures: Sequence[str]) -> str:
  """Returns report.md.

  Args:
    results: of the run.
    pictures: names of the PNG files beside it.

  Returns:
    Markdown; every name in it is escaped.
  """
  blocks = [
    f"# {escape(paragraphs.title(results))}",
    escape(paragraphs.opening(results)),
    escape(paragraphs.data(results)),
    *warning_list(warnings.find(results)),
    *_quality(results, pictures),
    *_picture("results.png", pictures),
    "## How it works",
    *(
      f"{number}. **{escape(head)}.** {escape(text)}"
      for number, (head, text) in enumerate(paragraphs.stage_texts(results), 1)
    ),
    "## Speed",
    escape(speed.paragraph(results)),
    table(tables.stages(results)),
    "## Code statistics",
    table(tables.statistics(results["statistics"])),
    glossary(columns.STATISTICS),
    "## Details",
    table(tables.details(results)),
    *_picture("training_loss.png", pictures),
    *_found(results),
    *_skipped(results),
  ]
  return joined(blocks)


def joined(blocks: Iterable[str]) -> str:
  """Joins headings, paragraphs and tables to one text."""
  return "\n\n".join(blocks) + "\n"


def table(content: tables.Table) -> str:
  """Formats a table; notes in brackets, the top of a column bold."""
  lines = [
    _line([escape(column) for column in content.columns]),
    _line(["---", *("---:" for _ in content.columns[1:])]),
  ]
  for row in content.rows:
    lines.append(_line([_cell(cell) for cell in (row.head, *row.cells)]))
  return "\n".join(lines)


def warning_list(found: Sequence[str]) -> list[str]:
  """Returns the blocks of the warnings, if there are any."""
  if not found:
    return []
  return ["## Warnings", "\n".join(f"* {escape(text)}" for text in found)]


def glossary(texts: Mapping[str, str]) -> str:
  """Formats terms and what they mean."""
  return "\n".join(
    f"* **{escape(name)}**" + (f": {escape(text)}" if text else "")
    for name, text in texts.items()
  )


def escape(text: str) -> str:
  """Escapes what Markdown and HTML give a meaning, and joins the lines."""
  return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _line(cells: Sequence[str]) -> str:
  return f"| {' | '.join(cells)} |"


def _cell(cell: tables.Cell) -> str:
  text = escape(cell.text)
  text = f"**{text}**" if cell.top else text
  return f"{text} ({escape(cell.note)})" if cell.note else text


def _picture(name: str, pictures: Sequence[str]) -> list[str]:
  return [f"![{_ALT_TEXTS[name]}]({name})"] if name in pictures else []


def _quality(results: Results, pictures: Sequence[str]) -> list[str]:
  blocks = ["## Retrieval quality"]
  measured = results_lib.measured(results)
  if not measured:
    return [*blocks, escape(paragraphs.not_measured(results))]
  for setting, metrics in measured.items():
    blocks += _setting(setting, metrics)
  by_method = results_lib.by_method(results)
  return [
    *blocks,
    *_picture("precision_recall.png", pictures),
    *_picture("precision_of_returned.png", pictures),
    "### Methods",
    glossary(descriptions.methods(descriptions.in_order(by_method))),
    "### Columns",
    glossary(columns.explanations(next(iter(by_method.values())))),
  ]


def _setting(setting: str, metrics: Mapping[str, Metrics]) -> list[str]:
  return [
    f"### {paragraphs.SETTINGS[setting]}",
    escape(paragraphs.quality(setting, metrics)),
    table(tables.quality(metrics)),
    "Precision at each level of recall:",
    table(tables.recall(metrics)),
  ]


def _found(results: Results) -> list[str]:
  text = paragraphs.account(results)
  return ["## Files found", escape(text)] if text else []


def _skipped(results: Results) -> list[str]:
  if not len(results["skipped"]):
    return []
  more = paragraphs.more_skipped(results)
  blocks = ["## Skipped images", table(tables.skipped(results))]
  return [*blocks, more] if more else blocks
