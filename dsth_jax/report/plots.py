"""The plots of a report, drawn without the global state of pyplot."""

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from dsth_jax.report import descriptions, paragraphs, styles
from dsth_jax.report import results as results_lib
from dsth_jax.report.results import Losses, Metrics, Results

DOTS_PER_INCH = 144
_PANEL = (5.2, 4.3)


def files(results: Results) -> Iterator[tuple[str, bytes]]:
  """Yields the name and PNG of every plot that the results have data for."""
  panels = {
    paragraphs.SETTINGS[setting]: metrics
    for setting, metrics in results_lib.measured(results).items()
  }
  if panels:
    yield "precision_recall.png", precision_recall(panels)
    yield "precision_of_returned.png", precision_of_returned(panels)
  if len(results["losses"]):
    yield "training_loss.png", training_loss(results["losses"])


def precision_recall(
  panels: Mapping[str, Mapping[str, Metrics]],
  theme: styles.Theme = styles.LIGHT,
) -> bytes:
  """Draws precision against recall (RP).

  Args:
    panels: metrics by method, by the title of their panel.
    theme: light or dark.

  Returns:
    A PNG.
  """
  figure, axes = make_panels(panels, theme)
  for each, metrics in zip(axes, panels.values()):
    _draw(each, metrics, "recall_levels", "precision_at_recall")
    each.set_xlim(0, 1.02)
    each.set_xlabel("recall: share of the relevant images found")
  axes[0].set_ylabel("precision: share of relevant images")
  return finish(figure, axes, theme)


def precision_of_returned(
  panels: Mapping[str, Mapping[str, Metrics]],
  theme: styles.Theme = styles.LIGHT,
) -> bytes:
  """Draws the precision of the first N images returned (RIP).

  Args:
    panels: metrics by method, by the title of their panel.
    theme: light or dark.

  Returns:
    A PNG.
  """
  figure, axes = make_panels(panels, theme)
  for each, metrics in zip(axes, panels.values()):
    _draw(each, metrics, "returned_images", "precision_of_returned")
    each.set_xscale("log")
    each.xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}")
    each.xaxis.set_minor_locator(NullLocator())
    each.set_xlabel("number of images returned")
  axes[0].set_ylabel("precision: share of relevant images")
  return finish(figure, axes, theme)


def training_loss(losses: Losses, theme: styles.Theme = styles.LIGHT) -> bytes:
  """Draws the loss of the hash network (Eq. 18) over the steps.

  Args:
    losses: [step, loss].
    theme: light or dark.

  Returns:
    A PNG.
  """
  steps, values = np.asarray(losses, np.float64).T
  figure, axes = make_panels([""], theme)
  axes[0].plot(steps, values, color=styles.style("dsth").color, linewidth=1.6)
  axes[0].set_ylim(bottom=0)
  axes[0].xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}")
  axes[0].set_xlabel("training step")
  axes[0].set_ylabel("loss: squared error of the bits")
  return finish(figure, axes, theme)


def make_panels(
  titles: Iterable[str], theme: styles.Theme
) -> tuple[Figure, list[Axes]]:
  """Returns a figure with one panel per title, side by side."""
  titles = list(titles)
  width, height = _PANEL
  figure = Figure(
    figsize=(width * len(titles), height),
    dpi=DOTS_PER_INCH,
    facecolor=theme.paper,
  )
  axes = figure.subplots(1, len(titles), sharey=True, squeeze=False)[0]
  for each, title in zip(axes, titles):
    each.set_title(title, fontsize=11, color=theme.ink, loc="left")
  return figure, list(axes)


def _draw(
  axes: Axes, metrics: Mapping[str, Metrics], grid: str, key: str
) -> None:
  # The first method is drawn last, on top of the others.
  for name in reversed(list(metrics)):
    scores = metrics[name]
    if not scores.get(key):
      continue
    style = styles.style(name)
    axes.plot(
      scores[grid],
      scores[key],
      color=style.color,
      linestyle=style.line,
      marker=style.marker,
      markersize=5,
      linewidth=style.width,
      label=descriptions.method(name).name,
    )
  axes.set_ylim(0, 1.02)


def finish(figure: Figure, axes: list[Axes], theme: styles.Theme) -> bytes:
  """Colors the panels, adds one legend for all, and returns a PNG."""
  for each in axes:
    each.set_facecolor(theme.paper)
    each.grid(color=theme.faint, linewidth=0.7)
    each.set_axisbelow(True)
    each.tick_params(colors=theme.ink, which="both", labelsize=9, length=0)
    each.spines[:].set_visible(False)
    each.xaxis.label.set_color(theme.ink)
    each.yaxis.label.set_color(theme.ink)
  _legend(figure, axes, theme)
  buffer = io.BytesIO()
  figure.savefig(buffer, format="png")
  return buffer.getvalue()


def _legend(figure: Figure, axes: list[Axes], theme: styles.Theme) -> None:
  entries: dict[str, Any] = {}
  for each in axes:
    handles, labels = each.get_legend_handles_labels()
    for handle, label in zip(reversed(handles), reversed(labels)):
      entries.setdefault(label, handle)
  columns = len(axes) + 1
  if entries:
    figure.legend(
      entries.values(),
      entries.keys(),
      loc="lower center",
      ncols=columns,
      frameon=False,
      fontsize=9,
      labelcolor=theme.ink,
    )
  _set_margins(figure, num_rows=-(-len(entries) // columns))


def _set_margins(figure: Figure, *, num_rows: int) -> None:
  """Leaves room for the texts; a layout engine would draw everything twice."""
  width, height = figure.get_size_inches()
  # A long legend makes the figure higher, so that its panels keep their size.
  height += 0.2 * max(0, num_rows - 3)
  figure.set_figheight(height)
  figure.subplots_adjust(
    left=0.55 / width,
    right=1 - 0.12 / width,
    top=1 - 0.3 / height,
    bottom=(0.6 + 0.2 * num_rows) / height,
    wspace=0.06,
  )
