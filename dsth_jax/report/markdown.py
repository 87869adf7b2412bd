"""The report as Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence

from dsth_jax.report import descriptions, paragraphs, plots, tables
from dsth_jax.report import warnings as warnings_lib
from dsth_jax.report.results import Metrics, Results

# A list of images that could not be read stops here.
MOST_SKIPPED = 50

_ALT_TEXTS = {
  "precision_recall.png": "Precision against recall",
  "precision_of_returned.png": "Precision of the first images returned",
  "training_loss.png": "Loss of the student over the training steps",
  "results.png": "Queries and what was found for them",
}
# What has a meaning in Markdown or in the HTML that it may hold.
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
    *warnings(warnings_lib.cautions(results)),
    *_quality(results, pictures),
    *_picture("results.png", pictures),
    "## How it works",
    *(
      f"{number}. **{escape(head)}.** {escape(text)}"
      for number, (head, text) in enumerate(paragraphs.stage_texts(results), 1)
    ),
    "## Speed",
    escape(paragraphs.speed(results)),
    table(tables.stages(results)),
    "## The codes",
    *_statistics(results),
    "## For the record",
    table(tables.record(results)),
    *_picture("training_loss.png", pictures),
    *_skipped(results),
  ]
  return joined(blocks)


def joined(blocks: Iterable[str]) -> str:
  """Joins paragraphs, tables and headings to one text."""
  return "\n\n".join(blocks) + "\n"


def table(content: tables.Table) -> str:
  """Formats a table; notes in brackets, the best of a column bold."""
  lines = [
    _line([escape(column) for column in content.columns]),
    _line(["---", *("---:" for _ in content.columns[1:])]),
  ]
  for row in content.rows:
    lines.append(_line([_cell(cell) for cell in (row.head, *row.cells)]))
  return "\n".join(lines)


def warnings(found: Sequence[str]) -> list[str]:
  """Returns the blocks of what is to be noted; none without a cause."""
  if not found:
    return []
  return ["## Please note", "\n".join(f"* {escape(text)}" for text in found)]


def glossary(texts: Mapping[str, str]) -> str:
  """Returns terms and what they mean."""
  return "\n".join(
    f"* **{escape(name)}**" + (f": {escape(text)}" if text else "")
    for name, text in texts.items()
  )


def escape(text: str) -> str:
  """Takes every special meaning from a text, and keeps it on one line."""
  return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _line(cells: Sequence[str]) -> str:
  return f"| {' | '.join(cells)} |"


def _cell(cell: tables.Cell) -> str:
  text = escape(cell.text)
  text = f"**{text}**" if cell.best else text
  return f"{text} ({escape(cell.note)})" if cell.note else text


def _picture(name: str, pictures: Sequence[str]) -> list[str]:
  return [f"![{_ALT_TEXTS[name]}]({name})"] if name in pictures else []


def _quality(results: Results, pictures: Sequence[str]) -> list[str]:
  blocks = ["## How good it is"]
  measured: list[Mapping[str, Metrics]] = []
  for setting, title in plots.SETTINGS.items():
    metrics = results[setting]  # type: ignore[literal-required]
    if metrics:
      blocks += _setting(setting, title, metrics)
      measured.append(metrics)
  if not measured:
    return [*blocks, escape(paragraphs.no_labels(results, "held_out"))]
  methods = {name: None for metrics in measured for name in metrics}
  return [
    *blocks,
    *_picture("precision_recall.png", pictures),
    *_picture("precision_of_returned.png", pictures),
    "### Who is compared",
    glossary(
      {
        descriptions.method(n).name: descriptions.method(n).text
        for n in methods
      }
    ),
    "### What the columns mean",
    glossary(descriptions.metric_texts(next(iter(measured[0].values())))),
  ]


def _setting(
  setting: str, title: str, metrics: Mapping[str, Metrics]
) -> list[str]:
  return [
    f"### {title}",
    escape(paragraphs.quality(setting, metrics)),
    table(tables.quality(metrics)),
    "Precision at recall (share of right images among those to look through "
    "to find a given share of all right ones):",
    table(tables.recall(metrics)),
  ]


def _statistics(results: Results) -> list[str]:
  return [
    table(tables.statistics(results["statistics"])),
    glossary(descriptions.STATISTICS),
  ]


def _skipped(results: Results) -> list[str]:
  skipped = results["skipped"]
  if not len(skipped):
    return []
  rows = [
    tables.Row(tables.Cell(str(name)), [tables.Cell(str(reason))])
    for name, reason in skipped[:MOST_SKIPPED]
  ]
  blocks = ["## Skipped images", table(tables.Table(["Name", "Reason"], rows))]
  if len(skipped) > MOST_SKIPPED:
    rest = len(skipped) - MOST_SKIPPED
    blocks.append(f"And {rest:,} more, in metrics.json.")
  return blocks
