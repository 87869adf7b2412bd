"""Figures of several panels, without the global state of pyplot.

Margins are in inches: a layout engine would draw everything twice.
"""

import io
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from dsth_jax.report import styles

Share = Literal["all", "row", "none"]


class Format(NamedTuple):
  """The measures of a figure.

  Attributes:
    width: of a panel with its labels, in inches.
    height: of a panel with its labels, in inches.
    title: the size of its letters, in points.
    text: the size of all other letters, in points.
    lines: how much thinner lines and markers are than a style says.
  """

  width: float
  height: float
  title: float
  text: float
  lines: float


class Panels(NamedTuple):
  """A figure that is being drawn.

  Attributes:
    figure: the whole.
    axes: one a panel.
    num_columns: of the grid of panels.
    theme: light or dark.
    form: the measures.
    share: which panels have one vertical axis.
  """

  figure: Figure
  axes: list[Axes]
  num_columns: int
  theme: styles.Theme
  form: Format
  share: Share


SCREEN = Format(5.2, 4.3, 11, 9, 1)
# Two panels fill the width of a page with two columns, 7.1 inches.
PRINT = Format(3.55, 2.65, 8.5, 7.5, 0.7)
DOTS_PER_INCH = 144

_LEFT, _RIGHT = 0.55, 0.12
# Between panels side by side, with and without ticks between.
_GAP, _GAP_SHARED = 0.6, 0.27
# For text of nine points: above a panel is its title, below it are its ticks and
# their label.
_TOP, _BELOW = 0.3, 0.6
# Of a polar panel, above and below: the names of its axes.
_NAMES = 0.2
# The width of a letter, as a share of its size.
_LETTER = 0.5
# Between a panel and its title, in points, as matplotlib has it.
_TITLE_PAD = 6


def make_panels(
  titles: Iterable[str],
  theme: styles.Theme,
  *,
  form: Format = SCREEN,
  num_columns: int = 0,
  share: Share = "all",
  polar: Collection[int] = (),
) -> Panels:
  """Returns a figure with one empty panel per title.

  Args:
    titles: of the panels, row by row.
    theme: light or dark.
    form: the measures.
    num_columns: of the grid; 0 puts all panels side by side.
    share: which panels have one vertical axis.
    polar: the numbers of the panels with polar axes, from 0.
  """
  titles = list(titles)
  columns = num_columns or len(titles)
  rows = -(-len(titles) // columns)
  figure = Figure(
    figsize=(form.width * columns, form.height * rows),
    dpi=DOTS_PER_INCH,
    facecolor=theme.paper,
  )
  axes: list[Axes] = []
  for number, title in enumerate(titles):
    first = {"all": 0, "row": number - number % columns, "none": number}[share]
    shared = number != first and not {number, first} & set(polar)
    each = figure.add_subplot(
      rows,
      columns,
      number + 1,
      projection="polar" if number in polar else None,
      sharey=axes[first] if shared else None,
    )
    if shared and number % columns:
      each.tick_params(labelleft=False)
    each.set_title(title, fontsize=form.title, color=theme.ink, loc="left")
    axes.append(each)
  return Panels(figure, axes, columns, theme, form, share)


def finish(drawn: Panels, legend: Mapping[str, Any] | None = None) -> Figure:
  """Colors the panels, and adds one legend for all below them.

  Args:
    drawn: with all its lines.
    legend: what is shown beside each text; None shows every line.
  """
  theme, form = drawn.theme, drawn.form
  for each in drawn.axes:
    each.set_facecolor(theme.paper)
    each.grid(color=theme.faint, linewidth=0.7)
    each.set_axisbelow(True)
    each.tick_params(
      colors=theme.ink, which="both", labelsize=form.text, length=0
    )
    each.spines[:].set_visible(False)
    for label in (each.xaxis.label, each.yaxis.label):
      label.set_color(theme.ink)
      label.set_fontsize(form.text + 0.5)
    for line in each.get_lines():
      line.set_linewidth(line.get_linewidth() * form.lines)
      line.set_markersize(line.get_markersize() * form.lines)
  entries = _entries(drawn.axes) if legend is None else legend
  _arrange(drawn, num_rows=_legend(drawn, entries))
  for each in drawn.axes:
    if isinstance(each, PolarAxes):
      _place_polar(drawn, each)
  return drawn.figure


def png(figure: Figure) -> bytes:
  """Returns a figure as PNG."""
  buffer = io.BytesIO()
  figure.savefig(buffer, format="png")
  return buffer.getvalue()


def pdf(figure: Figure) -> bytes:
  """Returns a figure as PDF, the same bytes for the same figure."""
  buffer = io.BytesIO()
  figure.savefig(buffer, format="pdf", metadata={"CreationDate": None})
  return buffer.getvalue()


def _entries(axes: Iterable[Axes]) -> dict[str, Any]:
  """Returns the lines by their label, the first of the same label."""
  entries: dict[str, Any] = {}
  for each in axes:
    handles, labels = each.get_legend_handles_labels()
    for handle, label in zip(reversed(handles), reversed(labels)):
      entries.setdefault(label, handle)
  return entries


def _legend(drawn: Panels, entries: Mapping[str, Any]) -> int:
  """Draws the legend; returns the number of its rows."""
  if not entries:
    return 0
  size = drawn.form.text
  # A handle is 0.6 inches wide.
  longest = 0.6 + _LETTER * size / 72 * max(map(len, entries))
  fitting = max(1, int(drawn.figure.get_figwidth() / longest))
  num_rows = math.ceil(len(entries) / fitting)
  drawn.figure.legend(
    entries.values(),
    entries.keys(),
    loc="lower center",
    ncols=math.ceil(len(entries) / num_rows),
    frameon=False,
    fontsize=size,
    labelcolor=drawn.theme.ink,
    handlelength=3,
  )
  return num_rows


def _arrange(drawn: Panels, *, num_rows: int) -> None:
  """Leaves room for the texts and for a legend of some rows."""
  figure, columns = drawn.figure, drawn.num_columns
  legend = (0.1 + drawn.form.text * 1.6 / 72 * num_rows) if num_rows else 0
  # A legend makes the figure higher, so that its panels keep their size.
  width, height = figure.get_figwidth(), figure.get_figheight() + legend
  figure.set_figheight(height)
  rows = -(-len(drawn.axes) // columns)
  scale = drawn.form.text / SCREEN.text
  gap = _GAP if drawn.share == "none" else _GAP_SHARED
  below, top = scale * _BELOW, scale * _TOP
  wide = (width - _LEFT - _RIGHT - (columns - 1) * gap) / columns
  high = (height - legend - rows * (below + top)) / rows
  figure.subplots_adjust(
    left=_LEFT / width,
    right=1 - _RIGHT / width,
    top=1 - top / height,
    bottom=(below + legend) / height,
    wspace=gap / wide,
    hspace=(below + top) / high,
  )


def _place_polar(drawn: Panels, axes: PolarAxes) -> None:
  """Fills the place of a panel and its ticks, and moves the title to the left.

  A circle has its title where its own box begins, far from the others.
  """
  width, height = drawn.figure.get_size_inches()
  form = drawn.form
  # Not the box of the circle in it.
  box, scale = axes.get_position(original=True), form.text / SCREEN.text
  drawn.figure.text(
    box.x0,
    box.y1 + _TITLE_PAD / 72 / height,
    axes.get_title(loc="left"),
    fontsize=form.title,
    color=drawn.theme.ink,
  )
  axes.set_title("", loc="left")
  names, ticks = scale * _NAMES / height, scale * _BELOW / height
  bottom = box.y0 - ticks + 2 * names
  # The place has the margins of a panel with ticks; names are on both sides.
  letters = max(len(label.get_text()) for label in axes.get_xticklabels())
  side = 0.1 + letters * _LETTER * form.text / 72
  left = box.x0 + (side - _LEFT) / width
  wide = box.width + (_LEFT + _RIGHT - 2 * side) / width
  axes.set_position((left, bottom, wide, box.y1 - names - bottom))
