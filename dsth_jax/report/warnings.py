"""What a careful reader should know before trusting a run; plain text."""

from dsth_jax.report import descriptions, paragraphs
from dsth_jax.report.results import Results

# Fewer different codes than this share of the images are remarkable.
_FEW_DISTINCT = 0.1
# And so is a radius that finds nothing for more queries than this.
_OFTEN_EMPTY = 0.5


def cautions(results: Results) -> list[str]:
  """Returns one sentence each, or nothing."""
  found = []
  if results["skipped"]:
    skipped = descriptions.plural(len(results["skipped"]), "image")
    found.append(
      f"{skipped} could not be read and took no part; see the list below."
    )
  return found + _of_graph(results) + _of_metrics(results)


def _of_graph(results: Results) -> list[str]:
  graph, found = results["graph"], []
  parts, added = graph["num_components"], graph["num_edges_added"]
  if graph["recall"] < 1:
    found.append(
      f"The neighbour graph was searched approximately, and holds "
      f"{descriptions.percent(graph['recall'])} of the true neighbours of a sample."
    )
  if added:
    found.append(
      f"The neighbour graph fell into {parts:,} separate parts; "
      f"{descriptions.plural(added, 'link')} between their most similar images "
      f"{'was' if added == 1 else 'were'} added to join them."
    )
  elif parts > 1:
    found.append(
      f"The neighbour graph consists of {parts:,} separate parts that were not "
      "joined: codes say little about images of different parts. More "
      "neighbours, or config.graph.connect, would join them."
    )
  if graph["num_isolated"]:
    found.append(
      f"{descriptions.plural(graph['num_isolated'], 'image')} had no neighbour in "
      f"the graph{' before' if added else ''}."
    )
  return found


def _of_metrics(results: Results) -> list[str]:
  found = []
  settings = {"held_out": "held-out queries", "training": "training queries"}
  for setting, asked in settings.items():
    metrics = results[setting]  # type: ignore[literal-required]
    if not metrics:
      continue
    scores = metrics[paragraphs.headline(metrics)]
    without = scores.get("num_queries_without_relevant")
    if without:
      found.append(
        f"{without:,} of the {scores['num_queries']:,} {asked} share a class "
        "with no image in the database; the averages leave them out."
      )
    empty = scores.get("hd3p_empty_share") or 0
    if empty > _OFTEN_EMPTY:
      found.append(
        f"For {descriptions.percent(empty)} of the {asked} no code lies within 3 "
        "bits, and each of them counts 0 in HD3P: at this number of bits HD3P "
        "says more about the distances than about the quality."
      )
  return found + _of_codes(results)


def _of_codes(results: Results) -> list[str]:
  statistics = results["statistics"].get("student")
  if not statistics:
    return []
  found = []
  distinct, total = (
    statistics["num_distinct_codes"],
    statistics.get("num_codes"),
  )
  if total and distinct < _FEW_DISTINCT * total:
    found.append(
      f"The student gives only {distinct:,} different codes to {total:,} "
      "images: many images are equally far from a query. More bits would tell "
      "them apart."
    )
  constant = statistics.get("num_constant_bits")
  if constant:
    found.append(
      f"In {descriptions.plural(constant, 'bit')} the student's codes are the same "
      "for every image: nothing is told apart there."
    )
  return found
