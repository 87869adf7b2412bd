"""A comparison as one page of HTML that needs nothing else."""

import html

from dsth_jax.report import descriptions, elements, styles
from dsth_jax.report import html as html_lib
from dsth_jax.report.comparison import paragraphs, plots, tables
from dsth_jax.report.comparison.results import Results


def render(results: Results) -> str:
  """Returns index.html; every name and text in it is escaped."""
  title = paragraphs.title(results)
  body = html_lib.template("comparison.html").substitute(
    title=html.escape(title),
    dataset=html.escape(results["summary"]["dataset"]),
    opening=html.escape(paragraphs.opening(results)),
    tiles=elements.tiles(paragraphs.key_figures(results)),
    warnings=elements.warnings(paragraphs.cautions(results)),
    data=html.escape(paragraphs.data(results)),
    by_length=_by_length(results),
    lengths="\n".join(
      _length(results, num_bits) for num_bits in results["summary"]["num_bits"]
    ),
    columns=elements.glossary(paragraphs.columns(results)),
    statistics=elements.glossary(descriptions.STATISTICS),
    methods=elements.glossary(tables.who(results)),
    record=elements.table(tables.record(results), kind="texts"),
  )
  return html_lib.render(title, body)


def _by_length(results: Results) -> str:
  figures = (
    elements.plot(
      title,
      plots.by_length(results, {metric: ""}),
      plots.by_length(results, {metric: ""}, styles.DARK),
    )
    for metric, title in plots.qualities(results).items()
  )
  return f'<div class="plots">{"".join(figures)}</div>'


def _length(results: Results, num_bits: int) -> str:
  means = tables.means(results, num_bits)
  lead = next(iter(tables.leaders(results, num_bits).values()), "cosine")
  return (
    f'<section id="bits{num_bits}"><h2>{descriptions.plural(num_bits, "bit")}</h2>'
    + elements.paragraph(paragraphs.length(results, num_bits))
    + elements.bars(means, lead)
    + elements.table(tables.quality(results, num_bits))
    + elements.curves(means)
    + elements.numbers(means)
    + "<details><summary>How well the bits are used</summary>"
    + elements.table(tables.statistics(results, num_bits))
    + "</details></section>"
  )
