"""A comparison as one page of HTML that loads nothing."""

from typing import NamedTuple

from matplotlib.figure import Figure

from dsth_jax.report import columns, elements, styles
from dsth_jax.report import html as html_lib
from dsth_jax.report.comparison import paragraphs, plots, tables
from dsth_jax.report.comparison.results import ComparisonResults
from dsth_jax.report.elements import Plot, Quality
from dsth_jax.report.tables import Table


class _Length(NamedTuple):
  """What the page shows of one code length."""

  num_bits: int
  quality: Quality
  statistics: Table


def render(results: ComparisonResults) -> str:
  """Returns index.html; every name and text in it is escaped."""
  return html_lib.render(
    "comparison.html",
    title=paragraphs.title(results),
    dataset=results["summary"]["dataset"],
    opening=paragraphs.opening(results),
    key_figures=paragraphs.key_figures(results),
    warnings=paragraphs.warnings(results),
    data=paragraphs.data(results),
    by_length=[
      _by_length(results, metric, title)
      for metric, title in plots.qualities(results).items()
    ],
    lengths=[
      _length(results, num_bits) for num_bits in results["summary"]["num_bits"]
    ],
    columns=paragraphs.columns(results),
    statistics_columns=columns.STATISTICS,
    methods=tables.methods(results),
    details=tables.details(results),
  )


def _by_length(results: ComparisonResults, metric: str, title: str) -> Plot:
  def draw(theme: styles.Theme) -> Figure:
    return plots.by_length(results, {metric: ""}, theme)

  return elements.plot(title, draw)


def _length(results: ComparisonResults, num_bits: int) -> _Length:
  quality = elements.quality(
    tables.means(results, num_bits),
    title=paragraphs.bits(num_bits),
    text=paragraphs.length(results, num_bits),
    lead=next(iter(tables.leaders(results, num_bits).values()), "cosine"),
    table=tables.quality(results, num_bits),
  )
  return _Length(num_bits, quality, tables.statistics(results, num_bits))
