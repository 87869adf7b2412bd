"""All files of an experiment: its table or figure, the findings and a page."""

from matplotlib.figure import Figure

from dsth_jax.paper import (
  figure_data,
  figures,
  findings,
  layout,
  names,
  notes,
  tables,
)
from dsth_jax.paper.context import Context
from dsth_jax.paper.results import Measured
from dsth_jax.report import elements, styles
from dsth_jax.report import html as html_lib

# In the order in which they are put in place.
FILES = (*figures.FILES, *tables.FILES, *findings.FILES, "index.html")
# Further experiments have findings only.
_TITLES = {**layout.TITLES, **figures.TITLES}


def render(
  experiment: str, measured: Measured, context: Context
) -> dict[str, bytes]:
  """Returns the files of an experiment by name, of `FILES`.

  Args:
    experiment: table2 to table5 or fig2 to fig8; any other name has the
      findings and the page only.
    measured: figures by cell; what is missing has a dash or no line, with the
      reason.
    context: of the run.
  """
  files: dict[str, bytes] = {}
  if experiment in tables.NAMES:
    files |= tables.render(experiment, measured, context)
  if experiment in figure_data.NAMES:
    files |= figures.render(experiment, measured, context)
  files |= findings.render(measured, context)
  page = _page(experiment, measured, context, list(files))
  return {**files, "index.html": page.encode()}


def _page(
  experiment: str, measured: Measured, context: Context, files: list[str]
) -> str:
  content = None
  if experiment in tables.NAMES:
    content = layout.layout(experiment, measured, context)
  general = notes.general(experiment, measured, context)
  if experiment in figure_data.NAMES:
    general += notes.about_entries(experiment)
  return html_lib.render(
    "paper.html",
    title=_TITLES.get(experiment, f"Experiment: {experiment}"),
    dataset="Liu et al., 2018",
    opening=tables.EXPLANATION if content else context.budget,
    key_figures=[],
    warnings=_warnings(context),
    plots=_plots(experiment, measured, context),
    tables={
      title or experiment.capitalize(): table
      for title, table in (tables.parts(content) if content else {}).items()
    },
    findings_text=findings.EXPLANATION,
    findings=findings.table(findings.find(measured)),
    footnotes=list(notes.footnotes(content)) if content else [],
    general=general,
    files=files,
  )


def _plots(
  experiment: str, measured: Measured, context: Context
) -> list[elements.Plot]:
  """Returns the figure for light and dark pages, if it is one."""
  if experiment not in figure_data.NAMES:
    return []
  shown = figure_data.make(experiment, measured, context)
  entries = figures.legend(experiment, shown, context)

  def draw(theme: styles.Theme) -> Figure:
    return figures.draw(shown, entries, theme)

  return [elements.plot(figures.TITLES[experiment], draw)]


def _warnings(context: Context) -> list[str]:
  """Returns what of the run failed."""
  return [
    *(
      f"{names.dataset(dataset)} was not measured: {reason}"
      for dataset, reason in context.missing.items()
    ),
    *(
      f"{names.cell(key)} failed: {reason}"
      for key, reason in context.failed.items()
    ),
  ]
