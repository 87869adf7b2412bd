"""The paper's tables in LaTeX, with the rules of the package booktabs."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from dsth_jax.paper import notes
from dsth_jax.paper.layout import Entry, Line, Part, TableLayout
from dsth_jax.report import formatting

_SPECIAL = {
  **{character: f"\\{character}" for character in "&%$#_{}"},
  "\\": r"\textbackslash{}",
  "~": r"\textasciitilde{}",
  "^": r"\textasciicircum{}",
  "<": r"\textless{}",
  ">": r"\textgreater{}",
  "|": r"\textbar{}",
  "β": r"$\beta$",
  "±": r"$\pm$",
  formatting.DASH: "--",
  formatting.MINUS: "$-$",
  formatting.NO_BREAK_SPACE: "~",
}
_PATTERN = re.compile("|".join(map(re.escape, _SPECIAL)))
_LINES = ("measured", "published", "difference")


def render(content: TableLayout, general: Sequence[str], name: str) -> str:
  """Returns one table environment a part, and the notes below the last.

  Each row of the paper has three lines: measured, published, and the difference
  of the two.

  Args:
    content: the table.
    general: notes about the whole table.
    name: of the label: tab:NAME, or tab:NAME-2 for the second part.
  """
  numbers = notes.footnotes(content)
  blocks = [r"% Needs \usepackage{booktabs}."]
  for number, part in enumerate(content.parts, 1):
    label = name if number == 1 else f"{name}-{number}"
    blocks += _environment(content, part, numbers, label)
  blocks += [r"\begin{enumerate}", *map(_item, numbers), r"\end{enumerate}"] * (
    len(numbers) > 0
  )
  blocks += [r"\begin{itemize}", *map(_item, general), r"\end{itemize}"]
  return "\n".join(blocks) + "\n"


def escape(text: str) -> str:
  """Escapes what LaTeX gives a meaning, and joins the lines."""
  joined = re.sub(r"[\t\r\n]+", " ", text)
  return _PATTERN.sub(lambda match: _SPECIAL[match[0]], joined)


def _item(text: str) -> str:
  return rf"  \item {escape(text)}"


def _environment(
  content: TableLayout, part: Part, numbers: Mapping[str, int], label: str
) -> Iterator[str]:
  title = f"{content.title}: {part.title}" if part.title else content.title
  heads = len(content.heads) + 1
  yield r"\begin{table}"
  yield r"\centering\scriptsize\setlength{\tabcolsep}{3pt}"
  yield rf"\caption{{{escape(title)}}}"
  yield rf"\label{{tab:{label}}}"
  yield rf"\begin{{tabular}}{{{'l' * heads}{'r' * len(content.columns)}}}"
  yield r"\toprule"
  yield from _headings(content, heads)
  yield r"\midrule"
  for number, line in enumerate(part.lines):
    if number:
      yield r"\addlinespace"
    yield from _rows(line, numbers, content.digits)
  yield r"\bottomrule"
  yield r"\end{tabular}"
  yield r"\end{table}"


def _headings(content: TableLayout, heads: int) -> Iterator[str]:
  cells, rules, place = [""] * heads, [], heads + 1
  for group, columns in itertools.groupby(content.columns, lambda c: c.group):
    width = len(list(columns))
    cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(group)}}}")
    rules.append(rf"\cmidrule(lr){{{place}-{place + width - 1}}}")
    place += width
  yield _line(cells)
  yield " ".join(rules)
  names = [*content.heads, "", *(column.name for column in content.columns)]
  yield _line([escape(name) for name in names])


def _rows(line: Line, numbers: Mapping[str, int], digits: int) -> Iterator[str]:
  heads = [text.splitlines() for text in line.head]
  for place, name in enumerate(_LINES):
    cells = [escape("".join(lines[place : place + 1])) for lines in heads]
    cells.append(name)
    for entry in line.entries:
      shown = formatting.signed if name == "difference" else formatting.digits
      text = escape(shown(getattr(entry, name), digits))
      cells.append(text + _marks(entry, name, numbers))
    yield _line(cells)


def _marks(entry: Entry, name: str, numbers: Mapping[str, int]) -> str:
  """Returns the numbers of the notes about one of the three lines."""
  notes_of_line = {
    "measured": (entry.reason,) if entry.reason else (),
    "published": entry.oddities,
  }.get(name, ())
  marks = ",".join(str(numbers[note]) for note in notes_of_line)
  return rf"\textsuperscript{{{marks}}}" if marks else ""


def _line(cells: Sequence[str]) -> str:
  return " & ".join(cells) + r" \\"
