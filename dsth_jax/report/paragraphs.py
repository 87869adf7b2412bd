"""What the numbers of a run say, read aloud; all plain text."""

from collections.abc import Mapping

from dsth_jax.report import descriptions
from dsth_jax.report.results import Metrics, PictureSheet, Results

# A figure that differs by less than its last digit is level.
_LEVEL = 5e-4


def title(results: Results) -> str:
  """Returns the heading of the report."""
  return (
    f"Finding similar images with {results['summary']['num_bits']}-bit codes"
  )


def opening(results: Results) -> str:
  """Tells in three sentences what was done."""
  summary = results["summary"]
  unlabelled = ""
  if summary["labels"] in descriptions.LABELS:
    unlabelled = " It taught itself: no class label of these images was used."
  return (
    f"A small network learned to turn an image into {summary['num_bits']} "
    "bits, so that similar images get similar bits."
    f"{unlabelled} It was trained on "
    f"{descriptions.plural(summary['num_training'], 'image')} of "
    f"{summary['dataset']}, and from now on finding similar images is "
    "counting differing bits."
  )


def key_figures(results: Results) -> list[tuple[str, str]]:
  """Returns what to see at one glance: figures and their meaning."""
  summary, stages = results["summary"], results["stages"]
  num_bytes = -(-summary["num_bits"] // 8) * summary["num_database"]
  figures = _leading_quality(results)
  figures.append(
    (
      descriptions.size(num_bytes),
      f"hold the codes of all {summary['num_database']:,} images searched",
    )
  )
  pace = _pace(results, "codes")
  if pace:
    figures.append((descriptions.rate(pace), "images encoded a second"))
  total = sum(stage["seconds"] for stage in stages.values())
  figures.append(
    (descriptions.duration(total), "for all stages, on this machine")
  )
  return figures


def data(results: Results) -> str:
  """Tells which images played which part."""
  summary = results["summary"]
  return (
    f"{descriptions.plural(summary['num_images'], 'image')} of {summary['dataset']}: "
    f"{summary['num_queries']:,} ask, {summary['num_database']:,} are "
    f"searched, {summary['num_training']:,} trained the student. "
    f"{descriptions.protocol(summary['protocol'])}"
  )


def stage_texts(results: Results) -> list[tuple[str, str]]:
  """Returns the headings and explanations of the three stages."""
  summary, graph = results["summary"], results["graph"]
  num_bits = summary["num_bits"]
  backbone = descriptions.backbone(summary["backbone"])
  link = "each is" if graph["symmetrize"] == "mutual" else "one is"
  return [
    (
      "It makes its own labels",
      f"Numbers, the features, describe each image; {backbone}. Two images "
      f"are linked if {link} among the {graph['num_neighbors']} most similar "
      "to the other: a graph of all training images. It is "
      "cut in two in many ways, through as few links as possible; the side "
      f"on which an image lies is a bit of its label, {num_bits} in all. "
      + descriptions.LABELS.get(summary["labels"], ""),
    ),
    (
      "A small network learns them",
      "The graph cannot say anything about a new image. So a small "
      f"network, the student ({summary['student']}), practises on "
      f"{summary['num_training']:,} images until it predicts the bits straight "
      "from the pixels.",
    ),
    (
      "Searching is counting bits",
      f"The student turns every image into {num_bits} bits once. "
      "For a query, all stored codes are compared with its own, and the "
      "images with the fewest differing bits come first: exact, and so "
      "cheap that a laptop compares millions of codes in a moment.",
    ),
  ]


def quality(setting: str, metrics: Mapping[str, Metrics]) -> str:
  """Reads a quality table aloud.

  Args:
    setting: "held_out" or "training".
    metrics: by method.

  Returns:
    Some sentences; what is above and what below follows from the figures.
  """
  lead = headline(metrics)
  scores = metrics[lead]
  asked = descriptions.plural(scores["num_queries"], "image")
  searched = descriptions.count(scores["num_database"])
  task = {
    "held_out": f"Asked with {asked} that took no part in the training, "
    f"{_subject(lead)} the {searched} images of the database",
    "training": "Only training images have self-taught labels, so these can "
    f"be judged here alone. Asked with {asked} of the training, "
    f"{_subject(lead)} the {searched} others",
  }[setting]
  return (
    f"{task} with a mean average precision of "
    f"{descriptions.figure(scores.get(descriptions.MAP))}{_comparison(lead, metrics)}. "
    f"{_returned(scores)}"
  ).strip()


def headline(metrics: Mapping[str, Metrics]) -> str:
  """Names the method that a table is about."""
  known = [name for name in ("student", "labels") if name in metrics]
  return known[0] if known else next(iter(metrics))


def no_labels(results: Results, setting: str) -> str:
  """Explains why a quality table is missing."""
  other = {"held_out": "training", "training": "held_out"}[setting]
  if results[other] is not None:  # type: ignore[literal-required]
    asked = {"held_out": "held-out queries", "training": "training images"}
    return f"This run was not measured with {asked[setting]}."
  return (
    "These images came without class labels, so this run cannot say which of "
    "the images it found are right. Mean average precision, precision at "
    "recall, precision of the first images, max F, HD3P and NC3P all count "
    "right images, and need labels: in a folder of images, one folder a class "
    "gives them. The pictures, the use of the bits and the times need none."
  )


def speed(results: Results) -> str:
  """Compares the student's pace with the teacher's, and sizes the codes."""
  summary = results["summary"]
  num_bytes = -(-summary["num_bits"] // 8)
  sentences = []
  student, teacher = (_pace(results, name) for name in ("codes", "features"))
  if student:
    text = f"The student encodes {descriptions.rate(student)} images a second"
    if teacher and student > 1.5 * teacher:
      text += (
        f", while features are made at {descriptions.rate(teacher)} a second: it is "
        f"{student / teacher:,.{0 if student > 10 * teacher else 1}f} times as "
        "fast"
      )
    sentences.append(text + ".")
  sentences.append(
    f"A code takes {descriptions.plural(num_bytes, 'byte')}, and those of all "
    f"{summary['num_database']:,} images in the database "
    f"{descriptions.size(num_bytes * summary['num_database'])}."
  )
  return " ".join(sentences)


def relevance(sheet: PictureSheet) -> str:
  """Explains the marks of the picture sheet."""
  text = (
    "First in each row the query, then what its code found, nearest first. The "
    "number beneath an image says in how many bits its code differs from the "
    "query's."
  )
  if sheet.relevant is None:
    return text
  marked = [mark for row in sheet.relevant for mark in row]
  return (
    f"{text} A thick frame and a tick mark the images of the query's class: "
    f"{sum(map(bool, marked)):,} of the {len(marked):,} shown."
  )


def _pace(results: Results, stage: str) -> float | None:
  """Returns the images a second of a stage that has such a rate."""
  if stage not in results["stages"]:
    return None
  return results["stages"][stage]["images_per_second"]


def _leading_quality(results: Results) -> list[tuple[str, str]]:
  metrics = results["held_out"] or results["training"]
  if metrics:
    value = metrics[headline(metrics)].get(descriptions.MAP)
    meaning = "mean average precision of the searches; 1 would be perfect"
    return [(descriptions.figure(value), meaning)]
  statistics = results["statistics"].get("student")
  if not statistics:
    return []
  distinct = descriptions.count(statistics["num_distinct_codes"])
  total = results["summary"]["num_images"]
  return [(distinct, f"different codes among {total:,} images")]


def _subject(method: str) -> str:
  subjects = {
    "student": "the student's codes rank",
    "labels": "the self-taught labels rank",
  }
  return subjects.get(method, f"{descriptions.method(method).name} ranks")


def _comparison(lead: str, metrics: Mapping[str, Metrics]) -> str:
  """Sets the leading figure against those of the other methods."""
  value = metrics[lead].get(descriptions.MAP)
  relations: dict[str, list[str]] = {"above": [], "level with": [], "below": []}
  for name, scores in metrics.items():
    other = scores.get(descriptions.MAP)
    if name != lead and value is not None and other is not None:
      text = f"{_against(name)} ({descriptions.figure(other)})"
      relations[_relation(float(value - other))].append(text)
  return "".join(
    f", {relation} {descriptions.joined(against)}"
    for relation, against in relations.items()
    if against
  )


def _relation(difference: float) -> str:
  if abs(difference) < _LEVEL:
    return "level with"
  return "above" if difference > 0 else "below"


def _against(method: str) -> str:
  names = {
    "labels": "its own labels",
    "paper_labels": "the labels of the paper's setting",
    "cosine": "the features themselves",
  }
  return names.get(method, descriptions.method(method).name)


def _returned(scores: Metrics) -> str:
  first = descriptions.first_returned(scores)
  precision = scores.get("precision_of_returned")
  if not first or not precision:
    return ""
  share = precision[list(scores["returned_images"]).index(first)]
  return (
    f"Of the first {descriptions.plural(first, 'image')} returned, "
    f"{descriptions.percent(share)} are right."
  )
