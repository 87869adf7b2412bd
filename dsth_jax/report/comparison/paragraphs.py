"""What the numbers of a comparison say, read aloud; all plain text."""

from collections.abc import Mapping

from dsth_jax.report import descriptions
from dsth_jax.report.comparison import tables
from dsth_jax.report.comparison.results import Results
from dsth_jax.report.tables import plus_minus

# Fewer seeds say little about how much a figure varies.
_FEW_SEEDS = 3


def title(results: Results) -> str:
  """Returns the heading."""
  return f"Binary codes compared on {results['summary']['dataset']}"


def opening(results: Results) -> str:
  """Tells what was compared, and how often."""
  summary = results["summary"]
  methods = descriptions.plural(len(results["methods"]), "method")
  bits = descriptions.joined(
    [str(num_bits) for num_bits in summary["num_bits"]]
  )
  seeds = len(summary["seeds"])
  repeated = "fitted once" if seeds == 1 else f"fitted with {seeds} seeds"
  return (
    f"{methods} made codes of {bits} bits for the same images, each "
    f"{repeated}. Figures are means over the seeds, and \N{PLUS-MINUS SIGN} is "
    "their standard deviation. The seeds change a method's own randomness; "
    "queries and database are always the same."
  )


def data(results: Results) -> str:
  """Tells which images played which part."""
  summary = results["summary"]
  backbone = descriptions.backbone(summary["backbone"])
  return (
    f"{descriptions.plural(summary['num_images'], 'image')} of {summary['dataset']}: "
    f"{summary['num_queries']:,} ask, {summary['num_database']:,} are "
    f"searched, {summary['num_training']:,} are learned from. "
    f"{descriptions.protocol(summary['protocol'])} What a method learns from stands "
    f"beneath its name: features describe each image by numbers ({backbone}); "
    "class labels say what counts as right, so that methods without them are "
    "best compared among themselves. In plots, dash-dotted lines are of "
    "methods that learned class labels."
  )


def length(results: Results, num_bits: int) -> str:
  """Tells which methods lead at a code length."""
  leaders = tables.leaders(results, num_bits)
  if not leaders:
    return (
      f"No method could be measured at {descriptions.plural(num_bits, 'bit')}."
    )
  led = [
    f"{group}, {descriptions.method(method).name} with "
    f"{_score(results, num_bits, method)}"
    for group, method in leaders.items()
  ]
  return (
    f"The highest mean average precision of {descriptions.plural(num_bits, 'bit')}: "
    f"{'; '.join(led)}. The features themselves, compared by cosine, have "
    f"{descriptions.figure(results['ceiling'][descriptions.MAP])}."
  )


def key_figures(results: Results) -> list[tuple[str, str]]:
  """Returns what to see at one glance: figures and their meaning."""
  figures = []
  for num_bits in results["summary"]["num_bits"]:
    leaders = tables.leaders(results, num_bits)
    for group, method in list(leaders.items())[:1]:
      mean = results["methods"][method][str(num_bits)]["mean"]
      meaning = (
        f"{descriptions.method(method).name}: the best mean average precision of "
        f"{descriptions.plural(num_bits, 'bit')} {group}"
      )
      figures.append((descriptions.figure(mean[descriptions.MAP]), meaning))
  ceiling = descriptions.figure(results["ceiling"][descriptions.MAP])
  return [*figures, (ceiling, "the features themselves, by cosine")]


def cautions(results: Results) -> list[str]:
  """Returns one sentence each on what is missing, or nothing."""
  seeds_of: dict[tuple[str, int, str], list[str]] = {}
  for cell in results["failed"]:
    failure = cell["method"], cell["num_bits"], cell["error"]
    seeds_of.setdefault(failure, []).append(str(cell["seed"]))
  found = [
    f"{descriptions.method(method).name} failed at {descriptions.plural(num_bits, 'bit')} "
    f"with {'seed' if len(seeds) == 1 else 'seeds'} {descriptions.joined(seeds)}: "
    f"{error}"
    for (method, num_bits, error), seeds in seeds_of.items()
  ]
  seeds = len(results["summary"]["seeds"])
  if seeds < _FEW_SEEDS:
    found.append(
      f"With {descriptions.plural(seeds, 'seed')} the figures say little about how "
      f"much they vary: take {_FEW_SEEDS} or more."
    )
  return found


def columns(results: Results) -> Mapping[str, str]:
  """Explains the columns of the tables, in one sentence each."""
  queries = descriptions.plural(
    results["summary"]["num_queries"], "query", "queries"
  )
  return {
    **descriptions.metric_texts(results["ceiling"]),
    "Fit, s": "Seconds to learn from the training images, from features or "
    "pixels in memory. What compiling takes is in it.",
    "Encode, s": f"Seconds to encode the {queries} once more, from features or "
    "pixels in memory: a method on features needs those of each query first.",
  }


def _score(results: Results, num_bits: int, method: str) -> str:
  found = results["methods"][method][str(num_bits)]
  spread = plus_minus(descriptions.figure(found["spread"][descriptions.MAP]))
  return (
    f"{descriptions.figure(found['mean'][descriptions.MAP])} {spread}".strip()
  )
