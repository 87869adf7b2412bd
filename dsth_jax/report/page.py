"""The report as one page of HTML that needs nothing else."""

import html
from collections.abc import Mapping

from dsth_jax.report import (
  descriptions,
  gallery,
  paragraphs,
  plots,
  styles,
  tables,
)
from dsth_jax.report import html as html_lib
from dsth_jax.report import warnings as warnings_lib
from dsth_jax.report.elements import (
  bars,
  curves,
  glossary,
  numbers,
  paragraph,
  plot,
  table,
  tiles,
  warnings,
)
from dsth_jax.report.results import Metrics, PictureSheet, Results

# A list of images that could not be read stops here.
MOST_SKIPPED = 50


def render(results: Results, sheet: PictureSheet) -> str:
  """Returns index.html.

  Args:
    results: of the run.
    sheet: queries and what was found.

  Returns:
    HTML; every name and text in it is escaped.
  """
  title = paragraphs.title(results)
  body = html_lib.template("page.html").substitute(
    title=html.escape(title),
    dataset=html.escape(results["summary"]["dataset"]),
    opening=html.escape(paragraphs.opening(results)),
    tiles=tiles(paragraphs.key_figures(results)),
    warnings=warnings(warnings_lib.cautions(results)),
    pictures=gallery.gallery(sheet),
    data=html.escape(paragraphs.data(results)),
    line=_line(results),
    quality=_quality(results),
    speed=html.escape(paragraphs.speed(results)),
    stages=table(tables.stages(results)),
    statistics=_statistics(results),
    snippet=html.escape(snippet()),
    record=table(tables.record(results), kind="texts"),
    loss=_loss(results),
    skipped=_skipped(results),
  )
  return html_lib.render(title, body)


def snippet() -> str:
  """Returns the lines of Python that search the codes of a run."""
  return html_lib.read("snippet.txt")


def _line(results: Results) -> str:
  texts = {"num_bits": str(results["summary"]["num_bits"])}
  for number, (head, text) in enumerate(paragraphs.stage_texts(results), 1):
    texts |= {f"head_{number}": head, f"text_{number}": text}
  escaped = {name: html.escape(text) for name, text in texts.items()}
  return html_lib.template("line.html").substitute(escaped)


def _quality(results: Results) -> str:
  parts: list[str] = []
  methods: dict[str, descriptions.Method] = {}
  columns: Mapping[str, str] = {}
  for setting, title in plots.SETTINGS.items():
    metrics = results[setting]  # type: ignore[literal-required]
    if metrics:
      parts.append(_setting(setting, title, metrics))
      methods |= {name: descriptions.method(name) for name in metrics}
      columns = columns or descriptions.metric_texts(
        next(iter(metrics.values()))
      )
  if not parts:
    return paragraph(paragraphs.no_labels(results, "held_out"))
  methods = {name: methods[name] for name in descriptions.in_order(methods)}
  who = glossary({each.name: each.text for each in methods.values()})
  what = glossary(columns)
  return "".join(parts) + (
    f'<div class="glossaries"><div><h3>What the columns mean</h3>{what}</div>'
    f"<div><h3>Who is compared</h3>{who}</div></div>"
  )


def _setting(setting: str, title: str, metrics: Mapping[str, Metrics]) -> str:
  lead = paragraphs.headline(metrics)
  return (
    f"<h3>{html.escape(title)}</h3>"
    + paragraph(paragraphs.quality(setting, metrics))
    + bars(metrics, lead)
    + table(tables.quality(metrics))
    + curves(metrics)
    + numbers(metrics)
  )


def _statistics(results: Results) -> str:
  if not results["statistics"]:
    return paragraph("This run did not count them.")
  return table(tables.statistics(results["statistics"])) + glossary(
    descriptions.STATISTICS
  )


def _loss(results: Results) -> str:
  losses = results["losses"]
  if not len(losses):
    return ""
  drawn = plot(
    "The student's training: its error against the labels, step by step.",
    plots.training_loss(losses),
    plots.training_loss(losses, styles.DARK),
  )
  return f'<div class="plots">{drawn}</div>'


def _skipped(results: Results) -> str:
  skipped = results["skipped"]
  if not len(skipped):
    return ""
  rows = [
    tables.Row(tables.Cell(str(name)), [tables.Cell(str(reason))])
    for name, reason in skipped[:MOST_SKIPPED]
  ]
  more = len(skipped) - MOST_SKIPPED
  rest = f"And {more:,} more, in metrics.json." if more > 0 else ""
  listed = table(tables.Table(["Image", "Reason"], rows), kind="texts")
  return f"<h3>Skipped images</h3>{listed}{paragraph(rest) if rest else ''}"
