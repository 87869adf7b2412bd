"""How the lines of the paper's figures are drawn, and their legend."""

from collections.abc import Sequence

from dsth_jax.paper import names
from dsth_jax.paper.context import Context
from dsth_jax.report import styles
from dsth_jax.report.drawing import Series
from dsth_jax.report.styles import Style

# The paper's backbones, and their marker. GoogLeNet is the one of Fig. 3 (b).
BACKBONES = {"googlenet": "o", "alexnet": "^", "simplenet": "s"}
# Where the backbones are compared: no color of a configuration.
BACKBONE_STYLES = {
  "googlenet": Style("#7570b3", "o"),
  "alexnet": Style("#66a61e", "^", "--"),
  "simplenet": Style("#a6761d", "s", ":"),
}
# Head and activation. The colors are Okabe and Ito's.
CONFIGURATIONS = {
  ("slice", "batchnorm"): Style("#d55e00", "", "-"),
  ("slice", "sigmoid"): Style("#e69f00", "", "--"),
  ("mlp", "batchnorm"): Style("#0072b2", "", "-."),
  ("mlp", "sigmoid"): Style("#009e73", "", ":"),
}
# Lines of one plot differ in color, except where they are dash-dotted.
_METHODS = {
  "dsth_diffusion": Style("#56b4e9", "H", width=2.4),
  "sklsh": Style("#7570b3", ">", "--"),
  "sh": Style("#cc79a7", "p"),
  "itq": Style("#d55e00", "^"),
  "sth": Style("#009e73", "<"),
  "sph": Style("#e69f00", "*", "--"),
  "density_dsh": Style("#a6761d", "d", "--"),
  "lsh": Style("#808891", "v"),
}
_GRAY = "#808891"


def of_configuration(backbone: str, head: str, activation: str) -> Style:
  """Returns the style of a configuration with one of the paper's backbones."""
  style = CONFIGURATIONS[head, activation]
  return style._replace(marker=BACKBONES[backbone])


def of_method(method: str) -> Style:
  """Returns the style of a method."""
  return _METHODS.get(method) or styles.style(method)


def legend(
  context: Context, drawn: Sequence[Series], *, with_lines: bool
) -> list[tuple[str, Style, bool]]:
  """Returns what the colors and the markers of configurations mean.

  Args:
    context: of the run.
    drawn: all lines of the figure.
    with_lines: whether some lines compare the backbones, in their own colors.

  Returns:
    The text, the style, and whether the marker is hollow, of an entry.
  """
  colors = {series.style.color for series in drawn}
  markers = {series.style.marker for series in drawn}
  entries = [
    (names.configuration(*configuration), style, False)
    for configuration, style in CONFIGURATIONS.items()
    if style.color in colors
  ]
  for backbone, marker in BACKBONES.items():
    if marker in markers:
      style = BACKBONE_STYLES[backbone]
      if not with_lines:
        style = Style(_GRAY, marker, "")
      label = names.network(context.backbone(backbone), backbone)
      entries.append((label, style, False))
  if any(series.hollow for series in drawn):
    entries.append(("published (Table III)", Style(_GRAY, "o", ""), True))
  return entries
