"""How things look: colours of pages and plots, and of every method."""

from typing import NamedTuple

from dsth_jax.baselines import BASELINES


class Theme(NamedTuple):
  """The colours of what is not data.

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
  """How a method looks, everywhere.

  Attributes:
    color: of Okabe and Ito's palette, which the colour-blind tell apart.
    marker: tells it apart without any colour.
    line: dashed for what is not a code.
    width: of the line, in points.
  """

  color: str
  marker: str
  line: str = "-"
  width: float = 1.6


_STYLES = {
  "student": Style("#0072b2", "o", width=2.4),
  "labels": Style("#009e73", "s"),
  "paper_labels": Style("#cc79a7", "D"),
  "itq": Style("#d55e00", "^"),
  "lsh": Style("#e69f00", "v"),
  "cosine": Style("#808891", "x", "--"),
}
# In a comparison of methods the student goes by the name of its method.
_STYLES |= {
  "dsth": _STYLES["student"],
  "dsth_paper": _STYLES["paper_labels"],
}
# Of baselines without a style of their own. The two lengths share no divisor,
# so that 56 of them look different.
_COLORS = (
  *("#009e73", "#56b4e9", "#d55e00", "#e69f00"),
  *("#cc79a7", "#a6761d", "#7570b3", "#66a61e"),
)
_MARKERS = ("<", ">", "p", "X", "*", "d", "h")
# Of what is no method of this package.
_OTHER = Style("#56b4e9", "P", ":")


def style(method: str) -> Style:
  """Returns the look of a method; dash-dotted if it learned class labels."""
  others = [name for name in BASELINES if name not in _STYLES]
  if method not in others:
    return _STYLES.get(method, _OTHER)
  number = others.index(method)
  return Style(
    _COLORS[number % len(_COLORS)],
    _MARKERS[number % len(_MARKERS)],
    "-." if BASELINES[method].supervised else "-",
  )
