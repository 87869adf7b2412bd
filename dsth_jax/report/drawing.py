"""What is drawn into a panel: curves, and a radar chart."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import MaxNLocator, NullLocator

from dsth_jax.report import descriptions, styles
from dsth_jax.report.results import Metrics


class Series(NamedTuple):
  """One line of a plot.

  Attributes:
    label: in the legend.
    style: of the line and its markers.
    x: where it was measured.
    y: the figures.
    spread: their standard deviation, drawn as bars; None draws none.
    hollow: whether the markers are, as those of published figures.
  """

  label: str
  style: styles.Style
  x: Sequence[float]
  y: Sequence[float]
  spread: Sequence[float] | None = None
  hollow: bool = False


def of_methods(
  metrics: Mapping[str, Metrics], grid: str, key: str
) -> list[Series]:
  """Returns the curves of a metric by method, of those that have it."""
  return [
    Series(
      descriptions.method(name).name,
      styles.style(name, metrics),
      scores[grid],
      scores[key],
    )
    for name, scores in metrics.items()
    if scores.get(key)
  ]


def draw(axes: Axes, series: Iterable[Series]) -> None:
  """Draws lines, the first on top of the others."""
  for each in reversed(list(series)):
    style = each.style
    axes.errorbar(
      each.x,
      each.y,
      each.spread,
      color=style.color,
      linestyle=style.line,
      linewidth=style.width,
      marker=style.marker,
      markersize=5,
      markerfacecolor="none" if each.hollow else style.color,
      capsize=2,
      label=each.label,
    )


def draw_recall(axes: Axes, series: Iterable[Series]) -> None:
  """Draws precision against recall (RP)."""
  draw(axes, series)
  axes.set_xlim(0, 1.02)
  axes.set_ylim(0, 1.02)
  axes.set_xlabel("recall: share of the relevant images found")


def draw_returned(axes: Axes, series: Iterable[Series]) -> None:
  """Draws the precision of the first N images returned (RIP)."""
  draw(axes, series)
  axes.set_xscale("log")
  axes.xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}")
  axes.xaxis.set_minor_locator(NullLocator())
  axes.set_ylim(0, 1.02)
  axes.set_xlabel("number of images returned")


def draw_by_length(
  axes: Axes, series: Iterable[Series], lengths: Sequence[int]
) -> None:
  """Draws figures against the number of bits."""
  draw(axes, series)
  axes.set_xticks(lengths)
  axes.set_xlabel("bits of a code")


def draw_radar(
  axes: PolarAxes, series: Iterable[Series], names: Sequence[str], top: float
) -> None:
  """Draws a closed line a series over one axis a name.

  Args:
    axes: polar.
    series: whose `y` has one figure a name; `x` is not used. A figure that is
      NaN leaves a gap.
    names: of the axes, the first on top, clockwise.
    top: the end of every axis; all start at 0.
  """
  angles = np.linspace(0, 2 * np.pi, len(names), endpoint=False).tolist()
  closed = [*angles, angles[0]]
  draw(
    axes, (each._replace(x=closed, y=[*each.y, each.y[0]]) for each in series)
  )
  axes.set_theta_zero_location("N")
  axes.set_theta_direction(-1)
  axes.set_ylim(0, top)
  axes.set_xticks(angles, names)
  for angle, label in zip(angles, axes.get_xticklabels()):
    side = np.sin(angle)
    if abs(side) > 0.1:
      label.set_horizontalalignment("left" if side > 0 else "right")
  axes.yaxis.set_major_locator(MaxNLocator(4))
  # Between two axes, where no line has its corner.
  axes.set_rlabel_position(float(np.degrees(angles[1]) / 2))
