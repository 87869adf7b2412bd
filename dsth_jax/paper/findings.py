"""Which of the paper's findings hold in measured figures, and by how much.

Each finding compares two cells that differ in one thing only, by their maximum
F-measure with beta 0.5, in all pairs that were measured.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from dsth_jax.paper import experiments, notes, published, radar
from dsth_jax.paper.context import Context
from dsth_jax.paper.results import Key, Measured
from dsth_jax.report import formatting, markdown
from dsth_jax.report.tables import Cell, Row, Table

FILES = ("findings.md",)
TITLE = "The paper's findings"
# Top-1 accuracy on ImageNet of the published weights: torchvision's, and those of
# EfficientNet-Lite's authors. It orders backbones as Table II does.
IMAGENET_ACCURACY = {
  "alexnet": 0.565,
  "googlenet": 0.698,
  "vgg16": 0.716,
  "efficientnet_lite0": 0.751,
  "efficientnet_lite1": 0.767,
  "efficientnet_lite2": 0.776,
}
# What labels add at most in Table IV, on STL-10.
_LITTLE = 0.065

Partner = Callable[[Key], Iterator[Key]]


class Pair(NamedTuple):
  """Two cells that differ in one thing.

  Attributes:
    better: the cell that the finding says has the larger figure.
    worse: the other.
    difference: of their figures; above 0 agrees with the finding.
  """

  better: Key
  worse: Key
  difference: float


class Finding(NamedTuple):
  """A finding of the paper, in measured figures.

  Attributes:
    text: what the paper finds.
    where: in the paper.
    pairs: that were measured.
    published: the same pairs of the paper's own tables.
    margin: a pair agrees if its difference is above this.
  """

  text: str
  where: str
  pairs: tuple[Pair, ...]
  published: tuple[Pair, ...]
  margin: float = 0.0

  @property
  def verdict(self) -> str:
    """Whether it holds: in all pairs, in most, in half or fewer."""
    if not self.pairs:
      return "not measured"
    share = self.num_agreeing / len(self.pairs)
    if share == 1:
      return "holds"
    return "holds mostly" if share > 0.5 else "does not hold"

  @property
  def num_agreeing(self) -> int:
    """In how many pairs it holds."""
    return count(self.pairs, self.margin)


def count(pairs: tuple[Pair, ...], margin: float = 0.0) -> int:
  """Returns in how many pairs the difference is above the margin."""
  return sum(pair.difference > margin for pair in pairs)


def find(measured: Measured) -> list[Finding]:
  """Returns every finding of the paper with the pairs that were measured."""
  paper = {**published.table("table2"), **published.table("table3")}
  found = [
    Finding(text, where, pairs(measured, partner), pairs(paper, partner))
    for text, where, partner in (
      (
        "BatchNorm is better than Sigmoid",
        "IV-B",
        _with("activation", "batchnorm", "sigmoid"),
      ),
      ("Slice is better than MLP", "IV-B", _with("head", "slice", "mlp")),
      (
        "SimpleNet as the backbone too is weak",
        "IV-E",
        _with("backbone", "", "simplenet"),
      ),
      (
        "ReLU as the activation is bad",
        "IV-E",
        _with("activation", "batchnorm", "relu"),
      ),
    )
  ]
  without = _with("labels", False, True)
  return [
    *found[:2],
    Finding(
      "A backbone that classifies better gives better codes",
      "IV-B, IV-E",
      pairs(measured, _weaker_backbone(measured)),
      pairs(paper, _weaker_backbone(paper)),
    ),
    *found[2:],
    Finding(
      f"Labels add little: at most the {_LITTLE} of Table IV",
      "IV-C",
      pairs(measured, without),
      pairs(published.table("table4"), without),
      # Labels may be ahead, by little: the difference is without minus with.
      -_LITTLE,
    ),
  ]


def pairs(measured: Measured, partner: Partner) -> tuple[Pair, ...]:
  """Returns all pairs of DSTH's cells that are both measured."""
  found = []
  for better in measured:
    # The paper's hash labels, not this package's.
    if better.method != "dsth":
      continue
    for worse in partner(better):
      difference = _value(measured, better) - _value(measured, worse)
      if math.isfinite(difference):
        found.append(Pair(better, worse, difference))
  return tuple(found)


def table(found: list[Finding]) -> Table:
  """Returns one row a finding: whether it holds, in how many cells, by how much."""
  rows = [
    Row(
      Cell(each.text, f"section {each.where}"),
      [
        Cell(each.verdict),
        Cell(*_counted(each.pairs, each.margin)),
        Cell(*_counted(each.published, each.margin)),
      ],
    )
    for each in found
  ]
  return Table(["Finding", "Here", "Pairs here", "Pairs published"], rows)


def render(measured: Measured, context: Context) -> dict[str, bytes]:
  """Returns findings.md: whether each finding of the paper holds here."""
  blocks = [
    f"# {TITLE}",
    markdown.escape(EXPLANATION),
    markdown.table(table(find(measured))),
    "\n".join(f"* {markdown.escape(text)}" for text in notes.run(context)),
  ]
  return {"findings.md": markdown.joined(blocks).encode()}


EXPLANATION = (
  "Two cells are a pair if they differ in the named thing only. They are "
  "compared by the maximum F-measure with beta 0.5. A finding holds if it does "
  "in all pairs, and holds mostly if in more than half. Beside the count are "
  "the mean difference and its range. Of two backbones, the one with the "
  "higher precision of classification is the better; where that was not "
  "measured, the one with the higher accuracy on ImageNet."
)


def _value(measured: Measured, key: Key) -> float:
  """Returns the figure that cells are compared by; NaN where there is none."""
  value = measured.get(key, {}).get(radar.MAX_F)
  return float("nan") if value is None else float(value)


def _with(field: str, better: str | bool, worse: str | bool) -> Partner:
  """Pairs cells by the values of a field; "" is any other value."""

  def partner(key: Key) -> Iterator[Key]:
    value = getattr(key, field)
    if value == better or (better == "" and value != worse):
      change: dict[str, Any] = {field: worse}
      yield key._replace(**change)

  return partner


def _weaker_backbone(measured: Measured) -> Partner:
  """Pairs a backbone with those that classify less well.

  By the measured precision of both, otherwise by their accuracy on ImageNet. The
  SimpleNet of another finding is left out.
  """
  precision = {
    (key.dataset, key.backbone): found[experiments.CLASSIFICATION]
    for key, found in measured.items()
    if found.get(experiments.CLASSIFICATION) is not None
  }
  backbones = dict.fromkeys(
    [*IMAGENET_ACCURACY, *(key.backbone for key in measured)]
  )

  def partner(key: Key) -> Iterator[Key]:
    for other in backbones:
      if "simplenet" not in (other, key.backbone) and _is_better(
        key.dataset, key.backbone, other, precision
      ):
        yield key._replace(backbone=other)

  return partner


def _is_better(
  dataset: str,
  one: str,
  other: str,
  precision: Mapping[tuple[str, str], float],
) -> bool:
  values = [precision.get((dataset, backbone)) for backbone in (one, other)]
  if None in values:
    values = [IMAGENET_ACCURACY.get(backbone) for backbone in (one, other)]
  first, second = values
  return first is not None and second is not None and first > second


def _counted(found: tuple[Pair, ...], margin: float) -> tuple[str, str]:
  """Returns the count as text, and the differences."""
  if not found:
    return formatting.DASH, ""
  differences = [pair.difference for pair in found]
  mean = sum(differences) / len(differences)
  low, high = (
    formatting.signed(value, 3)
    for value in (min(differences), max(differences))
  )
  equal = sum(difference == margin for difference in differences)
  ties = f", {equal} equal" if equal else ""
  return (
    f"{count(found, margin)} of {len(found)}{ties}",
    f"{formatting.signed(mean, 3)}, from {low} to {high}",
  )
