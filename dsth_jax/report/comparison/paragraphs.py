"""The paragraphs of a comparison, as plain text."""

from collections.abc import Mapping

import humanize

from dsth_jax.report import columns as columns_lib
from dsth_jax.report import descriptions, formatting
from dsth_jax.report import paragraphs as report_paragraphs
from dsth_jax.report.columns import MAP
from dsth_jax.report.comparison import tables
from dsth_jax.report.comparison.results import ComparisonResults

# Fewer seeds say little about how much a figure varies.
_FEW_SEEDS = 3


def title(results: ComparisonResults) -> str:
  """Returns the heading."""
  return f"Binary codes compared on {results['summary']['dataset']}"


def opening(results: ComparisonResults) -> str:
  """Says what was compared, and how often."""
  summary = results["summary"]
  kind = "variant" if "descriptions" in results else "method"
  methods = formatting.plural(len(results["methods"]), kind)
  lengths = humanize.natural_list([str(n) for n in summary["num_bits"]])
  seeds = formatting.plural(len(summary["seeds"]), "seed")
  return (
    f"{methods} with codes of {lengths} bits for the same images, each fitted "
    f"with {seeds}. Figures are means over the seeds, and \N{PLUS-MINUS SIGN} "
    "is their standard deviation. A seed changes the randomness of a method; "
    "queries and database stay the same."
  )


def data(results: ComparisonResults) -> str:
  """Says which images are queries, database and training images."""
  summary = results["summary"]
  relevant = (
    "Published lists decide which images are relevant."
    if columns_lib.MAP_TRAPEZIUM in results["ceiling"]
    else "Class labels also decide which images are relevant, so compare methods "
    "without class labels with each other. In the plots, dash-dotted lines are "
    "methods with class labels."
  )
  return (
    f"{formatting.plural(summary['num_images'], 'image')} of "
    f"{summary['dataset']}: {summary['num_queries']:,} queries, "
    f"{summary['num_database']:,} database images and "
    f"{summary['num_training']:,} training images. "
    f"{descriptions.protocol(summary['protocol'])} "
    f"{descriptions.features(summary['backbone'])} {_fine_tuned(results)}The line "
    f"below the name of a method says what it learns from. {relevant}"
  )


def _fine_tuned(results: ComparisonResults) -> str:
  """Says which labels all features have seen, if any."""
  found = results["ceiling"].get("classification", {})
  if not found:
    return ""
  return (
    f"{report_paragraphs.classification(found)}So every method on features has "
    "seen class labels, whatever its line in the plots. "
  )


def bits(num_bits: int) -> str:
  """Returns the heading of a code length."""
  return formatting.plural(num_bits, "bit")


def length(results: ComparisonResults, num_bits: int) -> str:
  """Says which methods lead at a code length."""
  leaders = tables.leaders(results, num_bits)
  if not leaders:
    return f"No method could be measured at {bits(num_bits)}."
  leading = [
    f"{group}, {descriptions.method(method).name} with "
    f"{_score(results, num_bits, method)}"
    for group, method in leaders.items()
  ]
  return (
    f"The highest mean average precision at {bits(num_bits)}: "
    f"{'; '.join(leading)}. The features, compared by cosine, have "
    f"{humanize.natural_list(_ceilings(results))}."
  )


def key_figures(results: ComparisonResults) -> list[tuple[str, str]]:
  """Returns the main figures and their meaning."""
  figures = []
  for num_bits in results["summary"]["num_bits"]:
    leaders = tables.leaders(results, num_bits)
    for group, method in list(leaders.items())[:1]:
      mean = results["methods"][method][str(num_bits)]["mean"]
      meaning = (
        f"{descriptions.method(method).name}: highest mean average precision "
        f"at {bits(num_bits)} {group}"
      )
      figures.append((formatting.figure(mean[MAP]), meaning))
  return [
    *figures,
    *(
      (figure, "the features, compared by cosine")
      for figure in _ceilings(results)
    ),
  ]


def warnings(results: ComparisonResults) -> list[str]:
  """Returns one text per warning; none if there is no cause."""
  failed: dict[tuple[str, int, str], list[str]] = {}
  for cell in results["failed"]:
    failure = cell["method"], cell["num_bits"], cell["error"]
    failed.setdefault(failure, []).append(str(cell["seed"]))
  found = [
    f"{descriptions.method(method).name} failed at {bits(num_bits)} with "
    f"{'seed' if len(seeds) == 1 else 'seeds'} "
    f"{humanize.natural_list(seeds)}: {error}"
    for (method, num_bits, error), seeds in failed.items()
  ]
  seeds = len(results["summary"]["seeds"])
  if seeds < _FEW_SEEDS:
    found.append(
      f"{formatting.plural(seeds, 'seed')} cannot show how much the figures "
      f"vary: take {_FEW_SEEDS} or more."
    )
  return found


def columns(results: ComparisonResults) -> Mapping[str, str]:
  """Explains the columns of the tables."""
  queries = formatting.plural(
    results["summary"]["num_queries"], "query", "queries"
  )
  return {
    **columns_lib.explanations(results["ceiling"]),
    "Kind": "What makes the codes: a function of the features, a head on the "
    "features (a small network; the backbone stays as it is), or SimpleNet, "
    "trained on pixels.",
    "Labels seen": "Class labels of training images that the method learns "
    "from.",
    "Fit, s": "Seconds to learn from the training images, with features or "
    "pixels in memory. Compilation is included.",
    "Encode, s": f"Seconds to encode the {queries} a second time, with "
    "features or pixels in memory. Computing features is not included.",
  }


def _ceilings(results: ComparisonResults) -> list[str]:
  return [
    formatting.figure(metrics[MAP])
    for metrics in tables.ceilings(results).values()
  ]


def _score(results: ComparisonResults, num_bits: int, method: str) -> str:
  found = results["methods"][method][str(num_bits)]
  spread = formatting.plus_minus(formatting.figure(found["spread"][MAP]))
  return f"{formatting.figure(found['mean'][MAP])} {spread}".strip()
