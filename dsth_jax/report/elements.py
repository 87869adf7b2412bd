"""The recurring pieces of the page; each escapes the texts it is given."""

from collections.abc import Mapping, Sequence
from html import escape

from dsth_jax.report import descriptions, pictures, plots, styles, tables
from dsth_jax.report.results import Metrics


def paragraph(text: str) -> str:
  """Returns a paragraph."""
  return f"<p>{escape(text)}</p>"


def tiles(figures: Sequence[tuple[str, str]]) -> str:
  """Returns the items of a list of key figures, each with its meaning."""
  return "\n".join(
    f"<li><b>{escape(figure)}</b><span>{escape(meaning)}</span></li>"
    for figure, meaning in figures
  )


def glossary(texts: Mapping[str, str]) -> str:
  """Returns terms and what they mean."""
  items = "".join(
    f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>"
    for name, text in texts.items()
  )
  return f"<dl>{items}</dl>"


def table(content: tables.Table, *, kind: str = "") -> str:
  """Returns a table that scrolls by itself where the page is narrow.

  Args:
    content: of the table; without rows there is none.
    kind: a class of page.css.

  Returns:
    HTML.
  """
  if not content.rows:
    return ""
  head = "".join(f'<th scope="col">{escape(c)}</th>' for c in content.columns)
  body = "".join(map(_row, content.rows))
  return (
    f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead>'
    f"<tbody>{body}</tbody></table></div>"
  )


def bars(metrics: Mapping[str, Metrics], lead: str) -> str:
  """Draws mean average precision as bars from 0 to 1.

  Args:
    metrics: by method.
    lead: the method to stress.

  Returns:
    HTML.
  """
  scores = {
    name: float(each[descriptions.MAP])
    for name, each in metrics.items()
    if descriptions.figure(each.get(descriptions.MAP)) != descriptions.DASH
  }
  items = "".join(
    _bar(name, value, name == lead) for name, value in scores.items()
  )
  label = "Mean average precision of each method, from 0 to 1"
  return f'<ul class="bars" aria-label="{label}">{items}</ul>'


def plot(caption: str, light: bytes, dark: bytes) -> str:
  """Returns a plot in the colours of the page, with its caption."""
  return (
    f"<figure><figcaption>{escape(caption)}</figcaption><picture>"
    '<source media="(prefers-color-scheme: dark)" '
    f'srcset="{pictures.data_uri(dark)}">'
    f'<img src="{pictures.data_uri(light)}" alt="{escape(caption)}">'
    "</picture></figure>"
  )


def warnings(found: Sequence[str]) -> str:
  """Returns a box of what is to be noted; none without a cause."""
  if not found:
    return ""
  items = "".join(f"<li>{escape(text)}</li>" for text in found)
  return (
    f'<section class="warnings"><h2>Please note</h2><ul>{items}</ul></section>'
  )


def curves(metrics: Mapping[str, Metrics]) -> str:
  """Draws the two curves of a quality table, light and dark."""
  drawn = (
    (
      "Precision at recall: how many of the images one looks through are "
      "right, until a given share of all right images is found.",
      plots.precision_recall,
    ),
    (
      "Precision of the first images: how many of the first so many images "
      "returned are right.",
      plots.precision_of_returned,
    ),
  )
  figures = (
    plot(caption, draw({"": metrics}), draw({"": metrics}, styles.DARK))
    for caption, draw in drawn
  )
  return f'<div class="plots">{"".join(figures)}</div>'


def numbers(metrics: Mapping[str, Metrics]) -> str:
  """Returns the tables behind the curves, folded away."""
  return (
    "<details><summary>The numbers behind the curves</summary>"
    + table(tables.recall(metrics), kind="numbers")
    + table(tables.returned(metrics), kind="numbers")
    + "</details>"
  )


def _row(row: tables.Row) -> str:
  cells = "".join(
    f"<td{' class=best' if cell.best else ''}>{_cell(cell)}</td>"
    for cell in row.cells
  )
  return f'<tr><th scope="row">{_head(row)}</th>{cells}</tr>'


def _cell(cell: tables.Cell) -> str:
  note = f"<small>{escape(cell.note)}</small>" if cell.note else ""
  return escape(cell.text) + note


def _head(row: tables.Row) -> str:
  if not row.method:
    return _cell(row.head)
  color = styles.style(row.method).color
  dot = f'<span class="dot" style="background:{color}"></span>'
  return f'<span class="method">{dot}{_cell(row.head)}</span>'


def _bar(method: str, value: float, stressed: bool) -> str:
  name = escape(descriptions.method(method).name)
  color = styles.style(method).color
  # The figure needs some of the width.
  width = f"{85 * min(max(value, 0), 1):.1f}%"
  return (
    f"<li{' class=lead-method' if stressed else ''}>{name}<span>"
    f'<i style="width:{width};background:{color}"></i>'
    f"{descriptions.figure(value)}</span></li>"
  )
