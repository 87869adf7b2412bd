"""The lines of the paper's figures, from measured or published figures."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dsth_jax.paper import layout, line_styles, names, published
from dsth_jax.paper import radar as radar_lib
from dsth_jax.paper.context import Context
from dsth_jax.paper.results import Key, Measured
from dsth_jax.report import styles
from dsth_jax.report.drawing import Series
from dsth_jax.report.styles import Style

PAPERS = ("slice", "batchnorm")


class Line(NamedTuple):
  """Cells that one line is drawn from.

  Attributes:
    key: of the cells as they were measured, with any number of bits.
    label: in the legend.
    style: of the line.
  """

  key: Key
  label: str
  style: Style


def configurations(
  dataset: str,
  measured: Measured,
  context: Context,
  backbones: Sequence[str] = tuple(line_styles.BACKBONES),
) -> list[Line]:
  """Returns a line for each backbone and configuration that has figures."""
  return [
    Line(
      key,
      f"{names.network(key.backbone, backbone)}, "
      f"{names.configuration(*configuration)}",
      line_styles.of_configuration(backbone, *configuration),
    )
    for backbone in _different(backbones, context)
    for configuration in line_styles.CONFIGURATIONS
    for key in [_dsth(dataset, context.backbone(backbone), *configuration)]
    if any(found_lengths(measured, key))
  ]


def backbones(dataset: str, measured: Measured, context: Context) -> list[Line]:
  """Returns a line for each backbone under Slice+BatchNorm that has figures."""
  return [
    Line(
      key,
      names.network(key.backbone, backbone),
      line_styles.BACKBONE_STYLES[backbone],
    )
    for backbone in _different(tuple(line_styles.BACKBONES), context)
    for key in [_dsth(dataset, context.backbone(backbone), *PAPERS)]
    if any(found_lengths(measured, key))
  ]


def methods(
  dataset: str,
  measured: Measured,
  context: Context,
  shown: Sequence[str],
  *,
  labels: bool,
) -> list[Line]:
  """Returns a line for DSTH and each other method that has figures.

  Args:
    dataset: whose figures.
    measured: figures by cell.
    context: of the run.
    shown: the methods beside DSTH.
    labels: whether the backbone of DSTH was trained with class labels. That of
      the others may have been either.
  """
  backbone = context.backbone("googlenet")
  dsth = _dsth(dataset, backbone, *PAPERS)._replace(labels=labels)
  other = Key(dataset, backbone, "", "", labels, "", 0)
  keys = [dsth, dsth._replace(method="dsth_diffusion")]
  for method in shown:
    # A deep method is measured as a head on features, or from pixels.
    options = [
      other._replace(method=name, labels=with_labels)
      for name in (method, f"{method}_simplenet")
      for with_labels in (labels, not labels)
    ]
    keys += [k for k in options if any(found_lengths(measured, k))][:1]
  return [
    Line(key, names.method(key.method), line_styles.of_method(key.method))
    for key in keys
    if any(found_lengths(measured, key))
  ]


def found_lengths(measured: Measured, key: Key) -> Iterator[int]:
  """Yields the code lengths that a cell was measured with."""
  for other in measured:
    if other._replace(num_bits=key.num_bits) == key:
      yield other.num_bits


def by_length(line: Line, measured: Measured, metric: str) -> Series:
  """Returns a metric against the number of bits."""
  found = {
    num_bits: layout.figure(
      measured[line.key._replace(num_bits=num_bits)], metric
    )
    for num_bits in sorted(found_lengths(measured, line.key))
  }
  known = {bits: value for bits, value in found.items() if value is not None}
  return Series(line.label, line.style, list(known), list(known.values()))


def curve(
  line: Line, measured: Measured, num_bits: int, grid: str, metric: str
) -> list[Series]:
  """Returns a curve, or nothing if it was not measured at this length."""
  found = measured.get(line.key._replace(num_bits=num_bits), {})
  if not found.get(metric):
    return []
  return [Series(line.label, line.style, found[grid], found[metric])]


def radar(line: Line, measured: Measured, num_bits: int) -> list[Series]:
  """Returns the six figures of the paper's radars, nothing without a cell."""
  found = measured.get(line.key._replace(num_bits=num_bits))
  if not found:
    return []
  return [
    Series(
      line.label, line.style, [], radar_lib.figures(found, line.key.dataset)
    )
  ]


def published_points(dataset: str, metric: str) -> list[Series]:
  """Returns Table III's figures of a data set as points, hollow."""
  return [
    Series(
      "published (Table III)",
      line_styles.of_configuration(*key[1:4])._replace(line=""),
      [key.num_bits],
      [found[metric]],
      hollow=True,
    )
    for key, found in published.table("table3").items()
    if key.dataset == dataset
  ]


def published_curves(dataset: str) -> list[Series]:
  """Returns Table III's precision against recall, hollow.

  A line has the style of the measured one, and the paper's own backbone.
  """
  return [
    Series(
      f"{names.backbone(key.backbone)}, "
      f"{names.configuration(key.head, key.activation)}",
      line_styles.of_configuration(*key[1:4]),
      found["recall_levels"],
      found["precision_at_recall"],
      hollow=True,
    )
    for key, found in published.table("table3").items()
    if key.dataset == dataset
  ]


def published_dsth(dataset: str, *, labels: bool) -> list[Series]:
  """Returns Table IV's precision of DSTH against recall, hollow."""
  return [
    Series(
      "DSTH, published (Table IV)",
      styles.style("dsth")._replace(line=":", width=1.6),
      found["recall_levels"],
      found["precision_at_recall"],
      hollow=True,
    )
    for key, found in published.table("table4").items()
    if (key.dataset, key.labels) == (dataset, labels)
  ]


def _different(shown: Sequence[str], context: Context) -> list[str]:
  """Returns the paper's backbones, one of those with the same stand-in."""
  first: dict[str, str] = {}
  for backbone in shown:
    first.setdefault(context.backbone(backbone), backbone)
  return list(first.values())


def _dsth(dataset: str, backbone: str, head: str, activation: str) -> Key:
  return Key(dataset, backbone, head, activation, False, "dsth", 0)
