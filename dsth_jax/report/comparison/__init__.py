"""The report of a comparison of methods."""

from typing import cast

from dsth_jax.report.comparison import markdown, page, plots
from dsth_jax.report.comparison.results import (
  ComparisonResults,
  VariantResults,
  flat,
)

__all__ = ["FILES", "ComparisonResults", "VariantResults", "render"]

# In the order in which they are put in place.
FILES = (*plots.FILES, "comparison.md", "index.html")


def render(results: ComparisonResults | VariantResults) -> dict[str, bytes]:
  """Returns the files of the report by name: `FILES`."""
  if "variants" in results:
    # Typed dictionaries are told apart by their keys.
    results = flat(cast(VariantResults, results))
  return {
    **dict(plots.files(results)),
    "comparison.md": markdown.render(results).encode(),
    "index.html": page.render(results).encode(),
  }
