"""The report of a comparison of methods."""

from dsth_jax.report.comparison import markdown, page, plots
from dsth_jax.report.comparison.results import ComparisonResults

__all__ = ["FILES", "ComparisonResults", "render"]

# In the order in which they are put in place.
FILES = (*plots.FILES, "comparison.md", "index.html")


def render(results: ComparisonResults) -> dict[str, bytes]:
  """Returns the files of the report by name: `FILES`."""
  return {
    **dict(plots.files(results)),
    "comparison.md": markdown.render(results).encode(),
    "index.html": page.render(results).encode(),
  }
