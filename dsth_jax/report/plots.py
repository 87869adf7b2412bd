"""The plots of a report."""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.figure import Figure

from dsth_jax.report import drawing, panels, paragraphs, styles
from dsth_jax.report import results as results_lib
from dsth_jax.report.results import Losses, Metrics, Results


def files(results: Results) -> Iterator[tuple[str, bytes]]:
  """Yields the name and PNG of every plot that the results have data for."""
  by_setting = {
    paragraphs.SETTINGS[setting]: metrics
    for setting, metrics in results_lib.measured(results).items()
  }
  if by_setting:
    yield "precision_recall.png", panels.png(precision_recall(by_setting))
    yield (
      "precision_of_returned.png",
      panels.png(precision_of_returned(by_setting)),
    )
  if len(results["losses"]):
    yield "training_loss.png", panels.png(training_loss(results["losses"]))


def precision_recall(
  by_panel: Mapping[str, Mapping[str, Metrics]],
  theme: styles.Theme = styles.LIGHT,
) -> Figure:
  """Draws precision against recall (RP).

  Args:
    by_panel: metrics by method, by the title of their panel.
    theme: light or dark.
  """
  drawn = panels.make_panels(by_panel, theme)
  for each, metrics in zip(drawn.axes, by_panel.values()):
    found = drawing.of_methods(metrics, "recall_levels", "precision_at_recall")
    drawing.draw_recall(each, found)
  drawn.axes[0].set_ylabel("precision: share of relevant images")
  return panels.finish(drawn)


def precision_of_returned(
  by_panel: Mapping[str, Mapping[str, Metrics]],
  theme: styles.Theme = styles.LIGHT,
) -> Figure:
  """Draws the precision of the first N images returned (RIP).

  Args:
    by_panel: metrics by method, by the title of their panel.
    theme: light or dark.
  """
  drawn = panels.make_panels(by_panel, theme)
  for each, metrics in zip(drawn.axes, by_panel.values()):
    found = drawing.of_methods(
      metrics, "returned_images", "precision_of_returned"
    )
    drawing.draw_returned(each, found)
  drawn.axes[0].set_ylabel("precision: share of relevant images")
  return panels.finish(drawn)


def training_loss(losses: Losses, theme: styles.Theme = styles.LIGHT) -> Figure:
  """Draws the loss of the hash network (Eq. 18) over the steps.

  Args:
    losses: [step, loss].
    theme: light or dark.
  """
  steps, values = np.asarray(losses, np.float64).T
  drawn = panels.make_panels([""], theme)
  drawn.axes[0].plot(
    steps, values, color=styles.style("dsth").color, linewidth=1.6
  )
  drawn.axes[0].set_ylim(bottom=0)
  drawn.axes[0].xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}")
  drawn.axes[0].set_xlabel("training step")
  drawn.axes[0].set_ylabel("loss: squared error of the bits")
  return panels.finish(drawn)
