"""The plots of a comparison: curves, and quality against code length."""

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes

from dsth_jax.report import columns, descriptions, plots, styles
from dsth_jax.report.comparison import tables
from dsth_jax.report.comparison.results import ComparisonResults
from dsth_jax.report.results import Metrics

FILES = (
  "precision_recall.png",
  "precision_of_returned.png",
  "quality_by_length.png",
)


def files(results: ComparisonResults) -> Iterator[tuple[str, bytes]]:
  """Yields the name and PNG of every plot."""
  panels = {
    f"{num_bits} bits": tables.means(results, num_bits)
    for num_bits in results["summary"]["num_bits"]
  }
  yield "precision_recall.png", plots.precision_recall(panels)
  yield "precision_of_returned.png", plots.precision_of_returned(panels)
  yield "quality_by_length.png", by_length(results, qualities(results))


def qualities(results: ComparisonResults) -> dict[str, str]:
  """Returns the title of each metric that is drawn against code length."""
  rank = columns.max_rank(results["ceiling"])
  at_rank = {f"{columns.MAP}_at_{rank}": f"mAP@{rank:,}"} if rank else {}
  return {columns.MAP: "mAP", **at_rank, "hd3p": "HD3P", "nc3p": "NC3P"}


def by_length(
  results: ComparisonResults,
  titles: Mapping[str, str],
  theme: styles.Theme = styles.LIGHT,
) -> bytes:
  """Draws means against the number of bits; error bars are the spread.

  Args:
    results: of the comparison.
    titles: of the panels, by metric.
    theme: light or dark.

  Returns:
    A PNG.

  References:
    The paper's Fig. 7 and 8, (e) to (h).
  """
  figure, axes = plots.make_panels(titles.values(), theme)
  lengths = results["summary"]["num_bits"]
  for each, metric in zip(axes, titles):
    for method in reversed(list(results["methods"])):
      _draw(each, results["methods"][method], metric, method)
    _draw_ceiling(each, results["ceiling"].get(metric), lengths)
    each.set_xticks(lengths)
    each.set_xlabel("bits of a code")
  axes[0].set_ylabel("mean over the queries")
  # The panels share it, so that it is set once all curves are drawn.
  axes[0].set_ylim(bottom=0)
  return plots.finish(figure, axes, theme)


def _draw(
  axes: Axes, by_bits: Mapping[str, Metrics], metric: str, method: str
) -> None:
  measured = {
    int(num_bits): found for num_bits, found in by_bits.items() if found["mean"]
  }
  style = styles.style(method)
  axes.errorbar(
    sorted(measured),
    [measured[num_bits]["mean"][metric] for num_bits in sorted(measured)],
    [
      measured[num_bits]["spread"][metric] or 0 for num_bits in sorted(measured)
    ],
    color=style.color,
    linestyle=style.line,
    linewidth=style.width,
    marker=style.marker,
    markersize=5,
    capsize=2,
    label=descriptions.method(method).name,
  )


def _draw_ceiling(
  axes: Axes, height: float | None, lengths: Sequence[int]
) -> None:
  """Draws what does not depend on the code length as a horizontal line."""
  if height is None:
    return
  style = styles.style("cosine")
  axes.plot(
    lengths,
    [height] * len(lengths),
    color=style.color,
    linestyle=style.line,
    label=descriptions.method("cosine").name,
  )
