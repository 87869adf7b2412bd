"""The paper's Fig. 2 to 8 from measured figures, as PNG, PDF and CSV."""

import csv
import io
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.projections.polar import PolarAxes

from dsth_jax.paper import figure_data, line_styles, radar
from dsth_jax.paper.context import Context
from dsth_jax.paper.figure_data import Kind, Panel
from dsth_jax.paper.results import Measured
from dsth_jax.report import drawing, panels, styles

FILES = tuple(
  f"{name}.{kind}"
  for name in figure_data.NAMES
  for kind in ("png", "pdf", "csv")
)
TITLES = {
  "fig2": "Fig. 2: maximum F-measure (beta 0.5) against code length",
  "fig3": "Fig. 3: configurations and backbones on CIFAR-10, 48 bits",
  "fig4": "Fig. 4: configurations and backbones on STL-10, 32 bits",
  "fig5": "Fig. 5: configurations and backbones on CIFAR-100 coarse, 48 bits",
  "fig6": "Fig. 6: configurations and backbones on CIFAR-100 fine, 48 bits",
  "fig7": "Fig. 7: methods without class labels",
  "fig8": "Fig. 8: methods with class labels",
}
# In a line of text in place of a panel's lines.
_LETTERS = 45


def render(
  experiment: str, measured: Measured, context: Context
) -> dict[str, bytes]:
  """Returns a figure of the paper as files.

  Args:
    experiment: fig2 to fig8.
    measured: figures by cell; what is missing has no line.
    context: of the run.

  Returns:
    The content of EXPERIMENT.png, EXPERIMENT.pdf, and EXPERIMENT.csv, which has
    every point that is drawn, by name.

  Raises:
    ValueError: the paper has no such figure.
  """
  shown = figure_data.make(experiment, measured, context)
  figure = draw(shown, legend(experiment, shown, context))
  return {
    f"{experiment}.png": panels.png(figure),
    f"{experiment}.pdf": panels.pdf(figure),
    f"{experiment}.csv": to_csv(shown).encode(),
  }


def draw(
  shown: Sequence[Panel],
  legend: Mapping[str, Any] | None = None,
  theme: styles.Theme = styles.LIGHT,
) -> Figure:
  """Draws panels for print, two beside each other.

  Args:
    shown: the panels.
    legend: see `panels.finish`.
    theme: light or dark.
  """
  polar = [i for i, panel in enumerate(shown) if panel.kind == "radar"]
  by_length = all(panel.kind == "length" for panel in shown)
  drawn = panels.make_panels(
    [panel.title for panel in shown],
    theme,
    form=panels.PRINT,
    num_columns=2,
    # Each data set has its own height in Fig. 2, and radars have none.
    share="none" if polar or by_length else "row",
    polar=polar,
  )
  top = _top(shown)
  for number, (panel, axes) in enumerate(zip(shown, drawn.axes)):
    if panel.series:
      _DRAW[panel.kind](axes, panel, top)
    else:
      _write(axes, panel.empty, theme)
    if drawn.share == "none" or number % 2 == 0:
      axes.set_ylabel(panel.y)
  # Panels share it, so that it is set once all lines are drawn.
  for panel, axes in zip(shown, drawn.axes):
    if panel.kind == "length":
      axes.set_ylim(bottom=0)
  return panels.finish(drawn, legend)


def legend(
  experiment: str, shown: Sequence[Panel], context: Context
) -> dict[str, Any] | None:
  """Returns the legend of a figure of configurations and backbones.

  It has one entry a configuration and one a backbone, in place of one for each
  combination. None comes back for figures of methods, whose lines differ.
  """
  if experiment in figure_data.METHODS:
    return None
  drawn = [series for panel in shown for series in panel.series]
  entries = line_styles.legend(context, drawn, with_lines=experiment != "fig2")
  return {
    label: Line2D(
      [],
      [],
      color=style.color,
      linestyle=style.line,  # type: ignore[arg-type]
      linewidth=style.width * panels.PRINT.lines,
      marker=style.marker,
      markersize=5 * panels.PRINT.lines,
      markerfacecolor="none" if hollow else style.color,
    )
    for label, style, hollow in entries
  }


def to_csv(shown: Sequence[Panel]) -> str:
  """Returns every point of a figure, one a line, with all digits."""
  buffer = io.StringIO()
  writer = csv.writer(buffer, lineterminator="\n")
  writer.writerow(["panel", "line", "published", "x", "y"])
  for panel in shown:
    for series in panel.series:
      xs = radar.AXES if panel.kind == "radar" else series.x
      for x, y in zip(xs, series.y):
        is_published = "yes" if series.hollow else "no"
        writer.writerow(
          [panel.title, series.label, is_published, x, repr(float(y))]
        )
  return buffer.getvalue()


def _write(axes: Axes, text: str, theme: styles.Theme) -> None:
  """Writes in place of lines."""
  axes.set_axis_off()
  axes.text(
    0.5,
    0.5,
    textwrap.fill(text, _LETTERS),
    transform=axes.transAxes,
    horizontalalignment="center",
    verticalalignment="center",
    fontsize=panels.PRINT.text,
    color=theme.ink,
  )


def _top(shown: Sequence[Panel]) -> float:
  """Returns the end of the axes of all radars, a multiple of 0.1."""
  figures = [
    y
    for panel in shown
    if panel.kind == "radar"
    for series in panel.series
    for y in series.y
    if math.isfinite(y)
  ]
  return max(0.1, math.ceil(10 * max(figures, default=1.0) - 1e-9) / 10)


def _draw_length(axes: Axes, panel: Panel, top: float) -> None:
  del top
  lengths = sorted({int(x) for series in panel.series for x in series.x})
  drawing.draw_by_length(axes, panel.series, lengths)


def _draw_radar(axes: Axes, panel: Panel, top: float) -> None:
  assert isinstance(axes, PolarAxes)
  drawing.draw_radar(axes, panel.series, radar.AXES, top)


_DRAW: dict[Kind, Callable[[Axes, Panel, float], None]] = {
  "recall": lambda axes, panel, _: drawing.draw_recall(axes, panel.series),
  "returned": lambda axes, panel, _: drawing.draw_returned(axes, panel.series),
  "length": _draw_length,
  "radar": _draw_radar,
}
