"""What to know about a run before trusting its figures, as plain text."""

from dsth_jax.report import descriptions, formatting, paragraphs
from dsth_jax.report import results as results_lib
from dsth_jax.report.results import Metrics, Results

# A smaller share of distinct codes is worth a warning.
_FEW_DISTINCT = 0.1
# And so is a larger share of queries with nothing within distance 3.
_OFTEN_EMPTY = 0.5


def find(results: Results) -> list[str]:
  """Returns one text per warning; none if there is no cause."""
  found = []
  if len(results["skipped"]):
    skipped = formatting.plural(len(results["skipped"]), "image")
    found.append(
      f"{skipped} could not be read and took no part; see the list below."
    )
  for method, reason in results.get("not_fitted", {}).items():
    name = descriptions.method(method).name
    found.append(f"{name} could not be fitted and has no figures: {reason}")
  found += _of_graph(results)
  for setting, metrics in results_lib.measured(results).items():
    queries = {"held_out": "held-out", "training": "training"}[setting]
    found += _of_metrics(metrics[paragraphs.headline(metrics)], queries)
  return found + _of_codes(results)


def _of_graph(results: Results) -> list[str]:
  graph, found = results["graph"], []
  components, added = graph["num_components"], graph["num_edges_added"]
  if graph["recall"] < 1:
    found.append(
      "The neighbor search for the graph was approximate: it found "
      f"{formatting.percent(graph['recall'])} of the true neighbors of some "
      "images."
    )
  if added:
    found.append(
      f"The neighbor graph had {components:,} components; "
      f"{formatting.plural(added, 'edge')} between their most similar images "
      f"{'was' if added == 1 else 'were'} added to connect them."
    )
  elif components > 1:
    found.append(
      f"The neighbor graph has {components:,} components that are not "
      "connected: codes say little about images of different components. "
      "Increase graph.num_neighbors, or set graph.connect, to connect them."
    )
  if graph["num_isolated"]:
    found.append(
      f"{formatting.plural(graph['num_isolated'], 'image')} had no neighbor in "
      f"the graph{' before' if added else ''}."
    )
  return found


def _of_metrics(scores: Metrics, queries: str) -> list[str]:
  found = []
  without = scores.get("num_queries_without_relevant")
  if without:
    found.append(
      f"{without:,} of the {scores['num_queries']:,} {queries} queries have no "
      "relevant image in the database; the averages leave them out."
    )
  empty = scores.get("hd3p_empty_share") or 0
  if empty > _OFTEN_EMPTY:
    found.append(
      f"{formatting.percent(empty)} of the {queries} queries have no code "
      "within distance 3, and each of them counts 0 in HD3P: at this code "
      "length HD3P says more about the distances than about the quality."
    )
  return found


def _of_codes(results: Results) -> list[str]:
  statistics = results["statistics"].get("dsth")
  if not statistics:
    return []
  found = []
  distinct = statistics["num_distinct_codes"]
  total = statistics.get("num_codes")
  constant = statistics.get("num_constant_bits")
  if total and total > 1 and distinct == 1:
    return [
      f"All {total:,} images have the same code: the training has collapsed, "
      "and a search finds nothing. Lower train.learning_rate and run again."
    ]
  if total and distinct < _FEW_DISTINCT * total:
    advice = "Use more bits to tell them apart."
    if constant:
      advice = "Lower train.learning_rate, since some bits never change."
    found.append(
      f"The hash function gives {total:,} images only {distinct:,} distinct "
      f"codes, and many images have the same distance to a query. {advice}"
    )
  if constant:
    bits = formatting.plural(constant, "bit")
    found.append(
      f"{bits} of the hash function's codes "
      f"{'is' if constant == 1 else 'are'} the same for every image and tell "
      "none apart."
    )
  return found
