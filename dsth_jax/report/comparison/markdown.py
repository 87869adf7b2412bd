"""A comparison as Markdown."""

from dsth_jax.report import columns, markdown
from dsth_jax.report.comparison import paragraphs, tables
from dsth_jax.report.comparison.results import ComparisonResults

_PICTURES = {
  "quality_by_length": "Quality against code length",
  "precision_recall": "Precision against recall",
  "precision_of_returned": "Precision of the first images returned",
}


def render(results: ComparisonResults) -> str:
  """Returns comparison.md; every name in it is escaped."""
  blocks = [
    f"# {markdown.escape(paragraphs.title(results))}",
    markdown.escape(paragraphs.opening(results)),
    markdown.escape(paragraphs.data(results)),
    *markdown.warning_list(paragraphs.warnings(results)),
  ]
  for num_bits in results["summary"]["num_bits"]:
    blocks += [
      f"## {paragraphs.bits(num_bits)}",
      markdown.escape(paragraphs.length(results, num_bits)),
      markdown.table(tables.quality(results, num_bits)),
      "Code statistics:",
      markdown.table(tables.statistics(results, num_bits)),
    ]
  return markdown.joined(
    [
      *blocks,
      "## Plots",
      *(f"![{text}]({name}.png)" for name, text in _PICTURES.items()),
      "For print: "
      + ", ".join(f"[{text}]({name}.pdf)" for name, text in _PICTURES.items()),
      "## Columns",
      markdown.glossary({**paragraphs.columns(results), **columns.STATISTICS}),
      "## Methods",
      markdown.glossary(tables.methods(results)),
      "## Details",
      markdown.table(tables.details(results)),
    ]
  )
