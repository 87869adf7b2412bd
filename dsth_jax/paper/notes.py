"""What is said below a table or figure of the paper."""

from collections.abc import Iterable

from dsth_jax.paper import layout, names, published
from dsth_jax.paper.context import Context
from dsth_jax.paper.layout import TableLayout
from dsth_jax.paper.results import Measured


def footnotes(content: TableLayout) -> dict[str, int]:
  """Returns the number of each note about entries, from 1, in reading order."""
  found: dict[str, int] = {}
  for entry in entries(content):
    for note in entry.notes:
      found.setdefault(note, len(found) + 1)
  return found


def entries(content: TableLayout) -> Iterable[layout.Entry]:
  """Yields all entries of a table, row by row."""
  for part in content.parts:
    for line in part.lines:
      yield from line.entries


def general(experiment: str, measured: Measured, context: Context) -> list[str]:
  """Returns what holds for a whole table or figure."""
  trapeziums = _trapeziums(measured) if experiment == "table5" else []
  return [*run(context), *trapeziums, *open_questions(experiment)]


def _trapeziums(measured: Measured) -> list[str]:
  """Says how far the publishers' mAP is from ours, by data set."""
  ours, theirs = "mean_average_precision", "map_trapezium"
  found: dict[str, list[float]] = {}
  for key, metrics in measured.items():
    if metrics.get(theirs) is not None:
      difference = metrics[ours] - metrics[theirs]
      found.setdefault(key.dataset, []).append(difference)
  return [
    f"{names.dataset(dataset)}: the mAP of the published program, which takes "
    f"trapeziums, is lower by {sum(lower) / len(lower):.4f}, the mean of "
    f"{len(lower)} cells, from {min(lower):.4f} to {max(lower):.4f}. It is "
    f"`{theirs}` in {dataset}/comparison.json."
    for dataset, lower in found.items()
  ]


def run(context: Context) -> list[str]:
  """Returns how the experiment was run."""
  seeds = ", ".join(map(str, context.seeds))
  one = len(context.seeds) == 1
  return [
    context.budget,
    f"The figures are of seed {seeds}."
    if one
    else f"The figures are means over the seeds {seeds}.",
    *(
      f"{names.network(measured, shown)}: the features come from another "
      "backbone than the paper's."
      for shown, measured in context.stand_ins.items()
      if measured != shown
    ),
    *(
      f"{names.dataset(dataset)} was not measured: {reason}"
      for dataset, reason in context.missing.items()
    ),
  ]


def open_questions(experiment: str) -> list[str]:
  """Returns what is odd or open in the paper, but not about single entries."""
  return [
    oddity.sentence
    for oddity in published.oddities(experiment)
    if not oddity.where
  ]


def about_entries(experiment: str) -> list[str]:
  """Returns what is odd about single published figures."""
  return [
    oddity.sentence for oddity in published.oddities(experiment) if oddity.where
  ]
