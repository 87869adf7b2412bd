"""What the panels of the paper's Fig. 2 to 8 show."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from dsth_jax.paper import experiments, lines, names, radar
from dsth_jax.paper.context import Context
from dsth_jax.paper.results import Measured
from dsth_jax.report.drawing import Series

NAMES = tuple(f"fig{number}" for number in range(2, 9))
_CONTRASTS = dict(zip(("fig3", "fig4", "fig5", "fig6"), experiments.SMALL))
# The methods beside DSTH.
METHODS = {"fig7": experiments.UNSUPERVISED, "fig8": experiments.SUPERVISED}
_METHODS_ON = ("cifar10", "stl10")

Kind = Literal["recall", "returned", "length", "radar"]


class Panel(NamedTuple):
  """One panel of a figure.

  Attributes:
    title: above it.
    kind: of its axes.
    series: the lines.
    y: what the vertical axis shows.
    empty: what stands in it if there is no line.
  """

  title: str
  kind: Kind
  series: tuple[Series, ...]
  y: str = ""
  empty: str = ""


def make(experiment: str, measured: Measured, context: Context) -> list[Panel]:
  """Returns what the panels of a figure show.

  Raises:
    ValueError: the paper has no such figure.
  """
  if experiment == "fig2":
    return [_by_length(name, measured, context) for name in experiments.SMALL]
  if experiment in _CONTRASTS:
    return _contrast(_CONTRASTS[experiment], measured, context)
  if experiment in METHODS:
    return _methods(experiment, measured, context)
  raise ValueError(
    f"the experiment is {experiment}, but the figures with measurements are "
    f"{', '.join(NAMES)}: pass one of these."
  )


def _by_length(dataset: str, measured: Measured, context: Context) -> Panel:
  letter = "abcd"[experiments.SMALL.index(dataset)]
  found = [
    lines.by_length(line, measured, radar.MAX_F)
    for line in lines.configurations(dataset, measured, context)
  ]
  only = "" if found else ", only published"
  return Panel(
    f"({letter}) {names.dataset(dataset)}{only}",
    "length",
    (*found, *lines.published_points(dataset, radar.MAX_F)),
    "max F, beta 0.5",
  )


def _contrast(
  dataset: str, measured: Measured, context: Context
) -> list[Panel]:
  """Returns the panels of Fig. 3 to 6."""
  num_bits = experiments.LENGTH[dataset]
  shown = lines.configurations(dataset, measured, context)
  main = lines.configurations(dataset, measured, context, ("googlenet",))
  recall = ("recall_levels", "precision_at_recall")

  def radars(found: Sequence[lines.Line]) -> tuple[Series, ...]:
    return tuple(
      series
      for line in found
      for series in lines.radar(line, measured, num_bits)
    )

  backbone = context.backbone("googlenet")
  empty = _empty(dataset, context)
  return [
    Panel(
      "(a) precision against recall, measured",
      "recall",
      tuple(
        series
        for line in shown
        for series in lines.curve(line, measured, num_bits, *recall)
      ),
      "precision",
      empty,
    ),
    Panel(
      "(a) the same as published (Table III)",
      "recall",
      tuple(lines.published_curves(dataset)),
      "precision",
    ),
    Panel(
      f"(b) configurations, {names.backbone(backbone)}",
      "radar",
      radars(main),
      empty=empty,
    ),
    Panel(
      f"(c) backbones, {names.configuration(*lines.PAPERS)}",
      "radar",
      radars(lines.backbones(dataset, measured, context)),
      empty=empty,
    ),
  ]


def _methods(
  experiment: str, measured: Measured, context: Context
) -> list[Panel]:
  """Returns the panels of Fig. 7 and 8."""
  labels = experiment == "fig8"
  found = {
    dataset: lines.methods(
      dataset, measured, context, METHODS[experiment], labels=labels
    )
    for dataset in _METHODS_ON
  }
  shown = [
    panel
    for dataset, of_dataset in found.items()
    for panel in _curves(dataset, of_dataset, measured, labels=labels)
  ]
  shown += [
    Panel(
      f"{names.dataset(dataset)}, {metric.upper()}",
      "length",
      tuple(lines.by_length(line, measured, metric) for line in of_dataset),
      "precision",
    )
    for dataset, of_dataset in found.items()
    for metric in ("hd3p", "nc3p")
  ]
  datasets = [*_METHODS_ON, *_METHODS_ON]
  return [
    panel._replace(
      title=f"({letter}) {panel.title}",
      empty=_empty(datasets[number // 2], context),
    )
    for number, (letter, panel) in enumerate(zip("abcdefgh", shown))
  ]


def _curves(
  dataset: str,
  found: Sequence[lines.Line],
  measured: Measured,
  *,
  labels: bool,
) -> list[Panel]:
  """Returns the curves of Fig. 7 or 8 (a) and (b), or (c) and (d)."""
  num_bits = experiments.LENGTH[dataset]
  title = f"{names.dataset(dataset)}, {num_bits} bits"
  recall, returned = (
    [
      series
      for line in found
      for series in lines.curve(line, measured, num_bits, grid, metric)
    ]
    for grid, metric in (
      ("recall_levels", "precision_at_recall"),
      ("returned_images", "precision_of_returned"),
    )
  )
  recall += lines.published_dsth(dataset, labels=labels)
  return [
    Panel(title, "recall", tuple(recall), "precision"),
    Panel(title, "returned", tuple(returned), "precision"),
  ]


def _empty(dataset: str, context: Context) -> str:
  return context.missing.get(dataset, "Not part of the run.")
