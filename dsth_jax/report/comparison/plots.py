"""The plots of a comparison: curves, and quality against code length."""

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.figure import Figure

from dsth_jax.report import (
  columns,
  descriptions,
  drawing,
  panels,
  plots,
  styles,
)
from dsth_jax.report.comparison import tables
from dsth_jax.report.comparison.results import ComparisonResults
from dsth_jax.report.drawing import Series
from dsth_jax.report.results import Metrics

_NAMES = ("precision_recall", "precision_of_returned", "quality_by_length")
FILES = tuple(f"{name}.{kind}" for name in _NAMES for kind in ("png", "pdf"))
# Panels beside each other, of which there is one a metric.
_NUM_COLUMNS = 3


def files(results: ComparisonResults) -> Iterator[tuple[str, bytes]]:
  """Yields the name of every plot, and the plot as PNG and as PDF."""
  by_bits = {
    f"{num_bits} bits": tables.means(results, num_bits)
    for num_bits in results["summary"]["num_bits"]
  }
  figures = (
    plots.precision_recall(by_bits),
    plots.precision_of_returned(by_bits),
    by_length(results, qualities(results)),
  )
  for name, figure in zip(_NAMES, figures):
    yield f"{name}.png", panels.png(figure)
    yield f"{name}.pdf", panels.pdf(figure)


def qualities(results: ComparisonResults) -> dict[str, str]:
  """Returns the title of each metric that is drawn against code length."""
  ceiling = results["ceiling"]
  rank = columns.max_rank(ceiling)
  at_rank = {f"{columns.MAP}_at_{rank}": f"mAP@{rank:,}"} if rank else {}
  # The paper's Fig. 2 has the first beta.
  max_f = {
    key: f"Max F, beta {found.beta}"
    for key, found in list(columns.max_f(ceiling).items())[:1]
  }
  return {
    columns.MAP: "mAP",
    **at_rank,
    **max_f,
    "hd3p": "HD3P",
    "nc3p": "NC3P",
  }


def by_length(
  results: ComparisonResults,
  titles: Mapping[str, str],
  theme: styles.Theme = styles.LIGHT,
) -> Figure:
  """Draws means against the number of bits; error bars are the spread.

  Args:
    results: of the comparison.
    titles: of the panels, by metric.
    theme: light or dark.

  References:
    The paper's Fig. 2, and Fig. 7 and 8, (e) to (h).
  """
  num_columns = min(len(titles), _NUM_COLUMNS)
  drawn = panels.make_panels(titles.values(), theme, num_columns=num_columns)
  lengths = results["summary"]["num_bits"]
  for each, metric in zip(drawn.axes, titles):
    methods = results["methods"]
    found = [
      _series(by_bits, metric, method, styles.style(method, methods))
      for method, by_bits in methods.items()
    ]
    ceilings = tables.ceilings(results)
    heights = [
      _ceiling(name, ceiling[metric], lengths)
      for name, ceiling in ceilings.items()
      if ceiling.get(metric) is not None
    ]
    drawing.draw_by_length(each, [*heights, *found], lengths)
  for each in drawn.axes[::num_columns]:
    each.set_ylabel("mean over the queries")
  # The panels share it, so that it is set once all curves are drawn.
  drawn.axes[0].set_ylim(bottom=0)
  return panels.finish(drawn)


def _series(
  by_bits: Mapping[str, Metrics], metric: str, method: str, style: styles.Style
) -> Series:
  measured = {
    int(num_bits): found for num_bits, found in by_bits.items() if found["mean"]
  }
  lengths = sorted(measured)
  return Series(
    descriptions.method(method).name,
    style,
    lengths,
    [measured[num_bits]["mean"][metric] for num_bits in lengths],
    [measured[num_bits]["spread"][metric] or 0 for num_bits in lengths],
  )


def _ceiling(name: str, height: float, lengths: Sequence[int]) -> Series:
  """Returns what does not depend on the code length as a horizontal line."""
  style = styles.style(name)._replace(marker="", line="--")
  label = descriptions.method(name).name
  return Series(label, style, lengths, [height] * len(lengths))
