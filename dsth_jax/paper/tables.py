"""The paper's tables as Markdown, CSV and LaTeX, measured beside published."""

import csv
import io
from collections.abc import Mapping

from dsth_jax.paper import latex, layout, notes
from dsth_jax.paper.context import Context
from dsth_jax.paper.layout import Entry, Line, TableLayout
from dsth_jax.paper.results import Measured
from dsth_jax.report import formatting, markdown
from dsth_jax.report.tables import Cell, Row, Table

NAMES = ("table2", "table3", "table4", "table5")
FILES = tuple(
  f"{name}.{kind}" for name in NAMES for kind in ("md", "csv", "tex")
)
EXPLANATION = (
  "A cell has the measured figure, and beside it the published one and the "
  f"difference, measured minus published. {formatting.DASH} stands for a "
  "figure that was not measured; the note beside it has the reason."
)
# Of the CSV file, after the fields of the cell.
_FIGURES = ("column", "measured", "published", "difference", "notes")


def render(
  experiment: str, measured: Measured, context: Context
) -> dict[str, bytes]:
  """Returns a table of the paper as files.

  Args:
    experiment: table2 to table5.
    measured: figures by cell; a cell that is missing becomes a dash with the
      reason that the context has.
    context: of the run.

  Returns:
    The content of EXPERIMENT.md, EXPERIMENT.csv (one line a figure, with all
    digits) and EXPERIMENT.tex (needs the package booktabs), by name.

  Raises:
    ValueError: the paper has no such table.
  """
  if experiment not in NAMES:
    raise ValueError(
      f"the experiment is {experiment}, but the paper's tables are "
      f"{', '.join(NAMES)}: pass one of these."
    )
  content = layout.layout(experiment, measured, context)
  general = notes.general(experiment, measured, context)
  return {
    f"{experiment}.md": _markdown(content, general).encode(),
    f"{experiment}.csv": to_csv(content).encode(),
    f"{experiment}.tex": latex.render(content, general, experiment).encode(),
  }


def parts(content: TableLayout) -> dict[str, Table]:
  """Returns the parts of a table for pages, by their title."""
  numbers = notes.footnotes(content)
  columns = [f"{column.group} {column.name}" for column in content.columns]
  heads = ", ".join(content.heads)
  return {
    part.title: Table(
      [heads, *columns],
      [_row(line, numbers, content.digits) for line in part.lines],
    )
    for part in content.parts
  }


def to_csv(content: TableLayout) -> str:
  """Returns one line a figure: its cell, and the figures with all digits.

  `backbone` is what was measured, `published_backbone` what the paper has.
  """
  buffer = io.StringIO()
  writer = csv.writer(buffer, lineterminator="\n")
  fields = layout.Key._fields
  writer.writerow([*fields, "published_backbone", *_FIGURES])
  for entry in notes.entries(content):
    figures = (entry.measured, entry.published, entry.difference)
    writer.writerow(
      [
        *entry.key,
        entry.published_key.backbone,
        entry.column,
        *("" if value is None else repr(float(value)) for value in figures),
        " ".join(entry.notes),
      ]
    )
  return buffer.getvalue()


def _markdown(content: TableLayout, general: list[str]) -> str:
  blocks = [f"# {markdown.escape(content.title)}", markdown.escape(EXPLANATION)]
  for title, table in parts(content).items():
    blocks += [f"## {markdown.escape(title)}"] if title else []
    blocks.append(markdown.table(table))
  footnotes = "\n".join(
    f"{number}. {markdown.escape(text)}"
    for text, number in notes.footnotes(content).items()
  )
  bullets = "\n".join(f"* {markdown.escape(text)}" for text in general)
  blocks += ["## Notes", *filter(None, (footnotes, bullets))]
  return markdown.joined(blocks)


def _row(line: Line, numbers: Mapping[str, int], digits: int) -> Row:
  return Row(
    Cell(" ".join(", ".join(line.head).split())),
    [_cell(entry, numbers, digits) for entry in line.entries],
  )


def _cell(entry: Entry, numbers: Mapping[str, int], digits: int) -> Cell:
  found = [] if entry.published is None else [f"{entry.published:.{digits}f}"]
  if entry.difference is not None:
    found.append(formatting.signed(entry.difference, digits))
  if entry.notes:
    shown = ", ".join(str(numbers[note]) for note in entry.notes)
    found.append(f"{'note' if len(entry.notes) == 1 else 'notes'} {shown}")
  return Cell(formatting.digits(entry.measured, digits), "; ".join(found))
