"""A comparison as Markdown."""

from dsth_jax.report import descriptions, markdown
from dsth_jax.report.comparison import paragraphs, tables
from dsth_jax.report.comparison.results import Results

_PICTURES = {
  "quality_by_length.png": "Quality against code length",
  "precision_recall.png": "Precision against recall",
  "precision_of_returned.png": "Precision of the first images returned",
}


def render(results: Results) -> str:
  """Returns comparison.md; every name in it is escaped."""
  blocks = [
    f"# {markdown.escape(paragraphs.title(results))}",
    markdown.escape(paragraphs.opening(results)),
    markdown.escape(paragraphs.data(results)),
    *markdown.warnings(paragraphs.cautions(results)),
  ]
  for num_bits in results["summary"]["num_bits"]:
    blocks += [
      f"## {descriptions.plural(num_bits, 'bit')}",
      markdown.escape(paragraphs.length(results, num_bits)),
      markdown.table(tables.quality(results, num_bits)),
      "How well the bits are used:",
      markdown.table(tables.statistics(results, num_bits)),
    ]
  return markdown.joined(
    [
      *blocks,
      "## Plots",
      *(f"![{text}]({name})" for name, text in _PICTURES.items()),
      "## What the columns mean",
      markdown.glossary(
        {**paragraphs.columns(results), **descriptions.STATISTICS}
      ),
      "## Who is compared",
      markdown.glossary(tables.who(results)),
      "## For the record",
      markdown.table(tables.record(results)),
    ]
  )
