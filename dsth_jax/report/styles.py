"""The colors of pages and plots, and the style of every method."""

from typing import NamedTuple

from dsth_jax.baselines import BASELINES


class Theme(NamedTuple):
  """The colors of what is not data.

  Attributes:
    paper: the background.
    ink: text and axes.
    faint: grid lines.
  """

  paper: str
  ink: str
  faint: str


LIGHT = Theme("#ffffff", "#1d2329", "#d9dee4")
DARK = Theme("#181c21", "#dde2e8", "#3a424b")


class Style(NamedTuple):
  """How a method is drawn in every plot.

  Attributes:
    color: from Okabe and Ito's palette, for color-blind readers.
    marker: tells it apart without color.
    line: dashed for features, dash-dotted for methods with class labels.
    width: of the line, in points.
  """

  color: str
  marker: str
  line: str = "-"
  width: float = 1.6


_STYLES = {
  "dsth": Style("#0072b2", "o", width=2.4),
  "dsth_simplenet": Style("#56b4e9", "H", width=2.4),
  "dsth_frozen_backbone": Style("#a6761d", "8", width=2.4),
  "labels": Style("#009e73", "s"),
  "paper_labels": Style("#cc79a7", "D"),
  "dsth_paper": Style("#cc79a7", "D"),
  "itq": Style("#d55e00", "^"),
  "lsh": Style("#e69f00", "v"),
  "cosine": Style("#808891", "x", "--"),
}
# For the other baselines. The two lengths have no common divisor, so that 56
# baselines differ.
_COLORS = (
  *("#009e73", "#56b4e9", "#d55e00", "#e69f00"),
  *("#cc79a7", "#a6761d", "#7570b3", "#66a61e"),
)
_MARKERS = ("<", ">", "p", "X", "*", "d", "h")
# For methods that this package does not know.
_OTHER = Style("#56b4e9", "P", ":")


def style(method: str) -> Style:
  """Returns the style of a method."""
  others = [name for name in BASELINES if name not in _STYLES]
  if method not in others:
    return _STYLES.get(method, _OTHER)
  number = others.index(method)
  return Style(
    _COLORS[number % len(_COLORS)],
    _MARKERS[number % len(_MARKERS)],
    "-." if BASELINES[method].supervised else "-",
  )
