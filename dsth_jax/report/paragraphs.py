"""The paragraphs of a report, as plain text."""

from collections.abc import Mapping

import humanize

from dsth_jax import datasets
from dsth_jax.report import columns, descriptions, formatting, speed, tables
from dsth_jax.report import results as results_lib
from dsth_jax.report.results import Metrics, PictureSheet, Results

# Figures that differ by less are equal in the digits that are shown.
_EQUAL = 5e-4

SETTINGS = {
  "held_out": "Held-out queries",
  "training": "Training images as queries",
}


def title(results: Results) -> str:
  """Returns the heading of the report."""
  return (
    f"Finding similar images with {results['summary']['num_bits']}-bit codes"
  )


def opening(results: Results) -> str:
  """Says what was trained on what, and what for."""
  summary = results["summary"]
  self_taught = ""
  if results.get("classification"):
    self_taught = " Class labels were used, to train the backbone further."
  elif summary["labels"] in descriptions.LABELS:
    self_taught = " No class labels were used in training."
  images = formatting.plural(summary["num_training"], "image")
  return (
    f"A hash network was trained on {images} of {summary['dataset']}. It gives "
    f"an image a code of {summary['num_bits']} bits, and similar images get "
    f"similar codes.{self_taught} A search counts the bits in which codes "
    "differ."
  )


def key_figures(results: Results) -> list[tuple[str, str]]:
  """Returns the main figures and their meaning."""
  summary, stages = results["summary"], results["stages"]
  figures = _leading_quality(results)
  figures.append(
    (
      speed.database_size(results),
      f"for the codes of all {summary['num_database']:,} database images",
    )
  )
  encoded = speed.codes(results)
  if encoded:
    source = ", from features" if speed.encodes_features(results) else ""
    meaning = f"images encoded per second{source}"
    figures.append((formatting.rate(encoded), meaning))
  total = sum(stage["seconds"] for stage in stages.values())
  figures.append((formatting.duration(total), "for all stages on this machine"))
  return figures


def data(results: Results) -> str:
  """Says which images are queries, database and training images."""
  summary = results["summary"]
  return (
    f"{formatting.plural(summary['num_images'], 'image')} of "
    f"{summary['dataset']}: {summary['num_queries']:,} queries, "
    f"{summary['num_database']:,} database images and "
    f"{summary['num_training']:,} training images. "
    f"{descriptions.protocol(summary['protocol'])}"
  )


def stage_texts(results: Results) -> list[tuple[str, str]]:
  """Returns the headings and explanations of the three stages."""
  summary, graph = results["summary"], results["graph"]
  num_bits, num_training = summary["num_bits"], summary["num_training"]
  source = "features" if speed.encodes_features(results) else "pixels"
  link = "both are" if graph["symmetrize"] == "mutual" else "one is"
  return [
    (
      "Generate hash labels",
      "Features describe each training image. "
      f"{descriptions.features(summary['backbone'])} "
      f"{classification(results.get('classification', {}))}Two images are linked if "
      f"{link} among the {graph['num_neighbors']} nearest neighbors of the "
      "other: a graph of all training images. Its smoothest eigenvectors, the "
      f"embedding, are cut into {num_bits} bits per image, so that linked "
      "images share most bits. "
      + descriptions.LABELS.get(summary["labels"], ""),
    ),
    (
      "Train the hash network",
      "The graph has no codes for new images. So a hash network "
      f"({summary['network']}) is trained on the {num_training:,} training "
      f"images to predict the hash labels from the {source}. With thresholds "
      "and preprocessing it is the hash function.",
    ),
    (
      "Search",
      f"The hash function gives each image a code of {num_bits} bits once. The "
      "code of a query is compared with all codes of the database, and the "
      "images with the fewest differing bits come first. The search is exact.",
    ),
  ]


def classification(found: Mapping[str, Mapping[str, float | None]]) -> str:
  """Says how well the backbones classify that were trained further.

  Args:
    found: see `Results.classification`.

  Returns:
    A sentence for each, with a space behind it.
  """
  texts = []
  for name, figures in found.items():
    text = (
      f"{descriptions.backbone_name(name)} was trained further with "
      f"{formatting.count(figures['num_labels'])} class labels"
    )
    accuracy = figures["fine_tuning.accuracy"]
    if accuracy is not None:
      queries = formatting.count(figures["num_queries"])
      text += (
        f", and then classified {100 * accuracy:.1f}% of {queries} "
        "queries correctly"
      )
    texts.append(f"{text}. ")
  return "".join(texts)


def quality(setting: str, metrics: Mapping[str, Metrics]) -> str:
  """Summarizes a quality table.

  Args:
    setting: "held_out" or "training".
    metrics: by method.

  Returns:
    Two or three sentences.
  """
  lead = headline(metrics)
  scores = metrics[lead]
  queries = formatting.plural(scores["num_queries"], "query", "queries")
  searched = formatting.count(scores["num_database"])
  task = {
    "held_out": f"{queries} that took no part in training search {searched} "
    "database images.",
    "training": "Only training images have hash labels, so this table compares "
    f"hash labels with other codes. {queries} from the training images search "
    f"the {searched} others.",
  }[setting]
  score = formatting.figure(scores.get(columns.MAP))
  return (
    f"{task} {_subject(lead)} a mean average precision of {score}"
    f"{_comparison(lead, metrics)}. {_returned(scores)}"
  ).strip()


def headline(metrics: Mapping[str, Metrics]) -> str:
  """Names the method that a table is about."""
  known = [name for name in ("dsth", "labels") if name in metrics]
  return known[0] if known else next(iter(metrics))


def not_measured(results: Results) -> str:
  """Explains why there is no quality table."""
  if results["held_out"] is not None or results["training"] is not None:
    return "This run measured no queries."
  return (
    "These images have no class labels, so this run cannot tell which results "
    "are relevant. Mean average precision, precision at recall, precision of "
    "the first images, max F, HD3P and NC3P need class labels: sort the images "
    "into one folder per class. The pictures, the code statistics and the "
    "times need none."
  )


def pictures(sheet: PictureSheet) -> str:
  """Explains the picture sheet."""
  if not len(sheet.queries):
    return (
      "There are no pictures: the run was not asked for them, or its data set "
      "has features only."
    )
  text = (
    "Each row shows a query and its results, nearest first. The number below a "
    "result is its distance: in how many bits its code differs from the "
    "query's."
  )
  if sheet.relevant is None:
    return text
  marks = [bool(mark) for row in sheet.relevant for mark in row]
  return (
    f"{text} A thick frame and a check mark show relevant results, those of "
    f"the query's class: {sum(marks):,} of {len(marks):,}."
  )


def account(results: Results) -> str:
  """Returns what became of every file in the source of the images."""
  if "account" not in results:
    return ""
  return f"{datasets.Account(**results['account']).sentence()}."


def more_skipped(results: Results) -> str:
  """Counts the images that the table of skipped images leaves out."""
  more = len(results["skipped"]) - tables.MOST_SKIPPED
  return f"And {more:,} more, in metrics.json." if more > 0 else ""


def _leading_quality(results: Results) -> list[tuple[str, str]]:
  measured = results_lib.measured(results)
  if measured:
    metrics = next(iter(measured.values()))
    value = metrics[headline(metrics)].get(columns.MAP)
    meaning = "mean average precision; 1 is perfect"
    return [(formatting.figure(value), meaning)]
  statistics = results["statistics"].get("dsth")
  if not statistics:
    return []
  distinct = formatting.count(statistics["num_distinct_codes"])
  total = results["summary"]["num_images"]
  return [(distinct, f"distinct codes of {total:,} images")]


def _subject(method: str) -> str:
  if method == "labels":
    return "The hash labels have"
  return f"{descriptions.method(method).name} has"


def _comparison(lead: str, metrics: Mapping[str, Metrics]) -> str:
  """Compares the leading figure with those of the other methods."""
  relations: dict[str, list[str]] = {"above": [], "equal to": [], "below": []}
  values = {
    name: float(scores[columns.MAP])
    for name, scores in metrics.items()
    if formatting.figure(scores.get(columns.MAP)) != formatting.DASH
  }
  for name, value in values.items():
    if name != lead and lead in values:
      text = f"{_object(name)} ({formatting.figure(value)})"
      relations[_relation(values[lead] - value)].append(text)
  return "".join(
    f", {relation} {humanize.natural_list(others)}"
    for relation, others in relations.items()
    if others
  )


def _relation(difference: float) -> str:
  if abs(difference) < _EQUAL:
    return "equal to"
  return "above" if difference > 0 else "below"


def _object(method: str) -> str:
  names = {
    "labels": "the hash labels",
    "paper_labels": "the hash labels of the paper's setting",
    "cosine": "the features",
  }
  return names.get(method, descriptions.method(method).name)


def _returned(scores: Metrics) -> str:
  first = columns.first_returned(scores)
  share = tables.precision_at(scores, first) if first else None
  if share is None:
    return ""
  return (
    f"Of the first {formatting.plural(first or 0, 'image')} returned, "
    f"{formatting.percent(share)} are relevant."
  )
