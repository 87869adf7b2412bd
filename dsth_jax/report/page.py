"""The report as one page of HTML that loads nothing."""

from dsth_jax.report import (
  columns,
  descriptions,
  elements,
  gallery,
  paragraphs,
  plots,
  speed,
  tables,
  warnings,
)
from dsth_jax.report import html as html_lib
from dsth_jax.report import results as results_lib
from dsth_jax.report.results import PictureSheet, Results


def render(results: Results, sheet: PictureSheet) -> str:
  """Returns index.html.

  Args:
    results: of the run.
    sheet: queries and their results.
  """
  by_method = results_lib.by_method(results)
  return html_lib.render(
    "report.html",
    title=paragraphs.title(results),
    dataset=results["summary"]["dataset"],
    opening=paragraphs.opening(results),
    key_figures=paragraphs.key_figures(results),
    warnings=warnings.find(results),
    pictures=paragraphs.pictures(sheet),
    gallery=gallery.rows(sheet),
    data=paragraphs.data(results),
    stage_texts=paragraphs.stage_texts(results),
    num_bits=results["summary"]["num_bits"],
    qualities=_qualities(results),
    not_measured=paragraphs.not_measured(results),
    columns=columns.explanations(next(iter(by_method.values()), {})),
    methods=descriptions.methods(descriptions.in_order(by_method)),
    speed=speed.paragraph(results),
    stages=tables.stages(results),
    statistics=tables.statistics(results["statistics"]),
    statistics_columns=columns.STATISTICS,
    snippet=snippet(),
    details=tables.details(results),
    losses=_losses(results),
    account=paragraphs.account(results),
    skipped=tables.skipped(results),
    more_skipped=paragraphs.more_skipped(results),
  )


def snippet() -> str:
  """Returns the lines of Python that search the codes of a run."""
  return html_lib.source("snippet.txt")


def _qualities(results: Results) -> list[elements.Quality]:
  return [
    elements.quality(
      metrics,
      title=paragraphs.SETTINGS[setting],
      text=paragraphs.quality(setting, metrics),
      lead=paragraphs.headline(metrics),
      table=tables.quality(metrics),
    )
    for setting, metrics in results_lib.measured(results).items()
  ]


def _losses(results: Results) -> list[elements.Plot]:
  losses = results["losses"]
  if not len(losses):
    return []
  caption = "Training: the loss of the hash network over the steps."
  draw = elements.plot(caption, lambda t: plots.training_loss(losses, t))
  return [draw]
