"""The colors of pages and plots, and the style of every method."""

from collections.abc import Collection
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


def style(method: str, shown: Collection[str] = ()) -> Style:
  """Returns the style of a method.

  Args:
    method: its key.
    shown: all that is drawn with it, in order: names that this package does not
      know, such as those of variants, then differ from each other.
  """
  others = [name for name in BASELINES if name not in _STYLES]
  if method in others:
    line = "-." if BASELINES[method].supervised else "-"
    return _numbered(others.index(method), line)
  known = {*_STYLES, *BASELINES}
  unknown = [name for name in shown if name not in known]
  if method in unknown and len(unknown) > 1:
    return _numbered(unknown.index(method), "-")
  return _STYLES.get(method, _OTHER)


def _numbered(number: int, line: str) -> Style:
  return Style(
    _COLORS[number % len(_COLORS)], _MARKERS[number % len(_MARKERS)], line
  )
