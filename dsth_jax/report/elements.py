"""The parts of a page that several pages have, as data for the templates."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from matplotlib.figure import Figure

from dsth_jax.report import (
  columns,
  descriptions,
  formatting,
  panels,
  pictures,
  plots,
  styles,
  tables,
)
from dsth_jax.report.results import Metrics
from dsth_jax.report.tables import Table

# The figure beside a bar needs the rest of the width.
_LONGEST_BAR = 85


class Plot(NamedTuple):
  """A plot in the colors of a light and of a dark page, as data URIs."""

  caption: str
  light: str
  dark: str


class Bar(NamedTuple):
  """The mean average precision of a method.

  Attributes:
    method: its key.
    name: of the method.
    figure: as text.
    width: of the bar, in percent.
    is_lead: whether the table is about this method.
  """

  method: str
  name: str
  figure: str
  width: float
  is_lead: bool


class Quality(NamedTuple):
  """Everything that is shown of the quality of several methods.

  Attributes:
    title: the heading.
    text: the summary.
    bars: one per method.
    table: one row per method.
    curves: plots of precision.
    recall: the numbers behind the first curve.
    returned: the numbers behind the second.
  """

  title: str
  text: str
  bars: list[Bar]
  table: Table
  curves: list[Plot]
  recall: Table
  returned: Table


def quality(
  metrics: Mapping[str, Metrics],
  *,
  title: str,
  text: str,
  lead: str,
  table: Table,
) -> Quality:
  """Returns what a page shows of the metrics of several methods."""
  return Quality(
    title,
    text,
    _bars(metrics, lead),
    table,
    _curves(metrics),
    tables.recall(metrics),
    tables.returned(metrics),
  )


def plot(caption: str, draw: Callable[[styles.Theme], Figure]) -> Plot:
  """Draws a plot for light and dark pages."""
  light, dark = (
    pictures.data_uri(panels.png(draw(theme)))
    for theme in (styles.LIGHT, styles.DARK)
  )
  return Plot(caption, light, dark)


def _bars(metrics: Mapping[str, Metrics], lead: str) -> list[Bar]:
  return [
    Bar(
      name,
      descriptions.method(name).name,
      formatting.figure(scores[columns.MAP]),
      round(_LONGEST_BAR * min(max(scores[columns.MAP], 0), 1), 1),
      name == lead,
    )
    for name, scores in metrics.items()
    if formatting.figure(scores.get(columns.MAP)) != formatting.DASH
  ]


def _curves(metrics: Mapping[str, Metrics]) -> list[Plot]:
  return [
    plot(
      "Precision at each level of recall: the share of relevant images among "
      "those returned until this share of all relevant images is found.",
      lambda theme: plots.precision_recall({"": metrics}, theme),
    ),
    plot(
      "Precision of the first images: the share of relevant images among the "
      "first images returned.",
      lambda theme: plots.precision_of_returned({"": metrics}, theme),
    ),
  ]
