"""Names, explanations and numbers as a person reads them; all plain text."""

import math
import pathlib
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from dsth_jax.baselines import BASELINES

DASH = "\N{EN DASH}"
MAP = "mean_average_precision"


class Method(NamedTuple):
  """A way of ranking images.

  Attributes:
    name: in tables and legends.
    text: what it is, in one sentence.
  """

  name: str
  text: str


METHODS = {
  "student": Method(
    "Student",
    "The product of this run: codes that the small network makes from pixels.",
  ),
  "dsth": Method(
    "DSTH",
    "Codes that a small network makes from pixels, after it learned self-taught "
    "labels.",
  ),
  "dsth_paper": Method(
    "DSTH, paper's labels",
    "The same network after it learned labels of the paper's own setting: one "
    "eigenvector of the graph a bit, cut at its mean.",
  ),
  "labels": Method(
    "Self-taught labels",
    "The codes that stage 1 gave to the training images, and that the student "
    "learned to reproduce.",
  ),
  "paper_labels": Method(
    "Labels, paper's setting",
    "The same stage 1 with the paper's own choice: one eigenvector of the "
    "graph a bit, cut at its mean.",
  ),
  "itq": Method(
    "ITQ",
    "A classic for comparison: the features' principal directions, rotated "
    "to sit close to bits. A search needs the features of each query.",
  ),
  "lsh": Method(
    "LSH",
    "The simplest codes for comparison: on which side of random planes "
    "the features lie.",
  ),
  "cosine": Method(
    "Teacher features, cosine",
    "No codes at all: the features themselves, compared by angle. The "
    "usual ceiling, since a code normally only loses against what it is made "
    "from.",
  ),
}

STAGES = {
  "data": "finds and checks the images",
  "features": "describes every image by numbers",
  "graph": "links every image to those most like it",
  "embedding": "finds the smoothest ways to split the graph",
  "labels": "turns the splits into bits",
  "pixels": "shrinks the images to the student's size",
  "training": "teaches the student those bits",
  "codes": "encodes all images with the student",
  "evaluation": "measures the searches",
}

PROTOCOLS = {
  "official": "The data set's own test part asks; its training part is "
  "searched, and the codes were learned from it.",
  "holdout": "A random sample of the images asks; all others are searched, "
  "and the codes were learned from them.",
  "cifar10-1": "100 images a class ask; all others are searched, and the "
  "codes were learned from 500 a class of them.",
  "cifar10-2": "1,000 images a class ask; all others are searched, and the "
  "codes were learned from them.",
}

BACKBONES = {
  "efficientnet_lite0": "here EfficientNet-Lite0, a network that learned from "
  "the photographs of ImageNet, computes them",
  "pixels": "here simply the brightness of its pixels",
}

LABELS = {
  "diffusion": "The smoothest cuts count most and are mixed into all bits (the "
  "diffusion rotation, an extension of the paper).",
  "eigenvectors": "Each of the smoothest cuts is one bit (the paper's own "
  "setting).",
}

STATISTICS = {
  "Different codes": "Images with the same code cannot be told apart; the more "
  "different codes, the finer the order.",
  "Imbalance": "How far the ones of a bit are from half of the images, on "
  "average: 0 if every bit halves them, 0.5 if every bit is constant.",
  "Correlation": "How much two bits say the same, on average: 0 if nothing, 1 "
  "if all of it.",
}


def method(name: str) -> Method:
  """Returns a method's words; a baseline's are the first line of its file.

  That line says what the method is, and in brackets what it is called, as in
  "Locality-sensitive hashing: signs of random projections (LSH)." What two
  baselines are called is no name for either: they go by their key.
  """
  if name in METHODS or name not in BASELINES:
    return METHODS.get(name, Method(name, ""))
  others = [_called(other) for other in BASELINES if other != name]
  called = _called(name)
  return Method(name if called in others else called, _first_line(name))


def _called(baseline: str) -> str:
  """Returns the last of the names in brackets, or the key."""
  found = re.search(r"\(([^()]+)\)", _first_line(baseline))
  return found[1].split(",")[-1].strip() if found else baseline


def _first_line(baseline: str) -> str:
  module = sys.modules[BASELINES[baseline].fit.__module__]
  return (module.__doc__ or "").strip().split("\n")[0]


def protocol(name: str) -> str:
  """Returns the sentence of a protocol."""
  return PROTOCOLS.get(name, f"The split into queries and database is {name}.")


def backbone(name: str) -> str:
  """Returns where the features come from, as the end of a sentence."""
  if name.endswith(".npy"):
    return f"here they were given in {pathlib.PurePath(name).name}"
  return BACKBONES.get(name, f"here {name} computes them")


def in_order(names: Iterable[str]) -> list[str]:
  """Sorts methods: the known ones first, as they stand in METHODS."""
  known = list(METHODS)
  return sorted(names, key=lambda n: known.index(n) if n in known else 99)


def max_rank(metrics: Mapping[str, Any]) -> int | None:
  """Reads K from the name of mean_average_precision_at_K."""
  return next((int(k) for k in _suffixes(metrics, f"{MAP}_at_")), None)


def betas(metrics: Mapping[str, Any]) -> dict[str, str]:
  """Maps the names of the F-measures to their betas."""
  pattern = re.compile(r"max_f_(?:beta_)?([\d.]+)")
  matches = map(pattern.fullmatch, metrics)
  return {match[0]: match[1] for match in matches if match}


def first_returned(metrics: Mapping[str, Any]) -> int | None:
  """Finds the number of returned images nearest to 100, as on a page."""
  grid = metrics.get("returned_images") or []
  return min(grid, key=lambda n: abs(math.log(n / 100)), default=None)


def metric_texts(metrics: Mapping[str, Any]) -> dict[str, str]:
  """Explains the columns of a quality table, in one sentence each.

  Args:
    metrics: of any method; K, N and the betas are read from it.

  Returns:
    The sentence by name.
  """
  rank, first = max_rank(metrics), first_returned(metrics)
  texts = {
    "Right image": "An image is right for a query if both share a class label.",
    "mAP": "Mean average precision: how early the right images come when the "
    "whole database is sorted by its distance to the query; 1 if all of them "
    "come first, about the share of the class in the database if the order is "
    "random.",
  }
  if rank:
    texts[f"mAP@{rank:,}"] = f"The same for the first {rank:,} images alone."
  if first:
    texts[f"First {first:,}"] = (
      f"The share of right images among the first {first:,} returned."
    )
  for beta in betas(metrics).values():
    texts[f"Max F {beta}"] = (
      "The best balance between precision (few wrong images) and recall (few "
      f"right ones missed), with recall weighing {beta} times as much."
    )
  return texts | {
    "HD3P": "The share of right images among those whose code differs from the "
    "query's in at most 3 bits; a query that finds none counts 0.",
    "NC3P": "The share of right images among those at the three smallest "
    "distances that occur for the query.",
  }


def figure(value: Any, digits: int = 3) -> str:
  """Formats a measured figure; what was not measured is a dash."""
  if not _is_number(value):
    return DASH
  return f"{value:.{digits}f}"


def count(value: Any) -> str:
  """Formats a number of things."""
  return f"{value:,.0f}" if _is_number(value) else DASH


def percent(value: Any) -> str:
  """Formats a share of 1."""
  if not _is_number(value):
    return DASH
  # Never 0 % or 100 % for what is neither.
  digits = 0 if 0.01 <= value <= 0.99 or value in (0, 1) else 2
  return f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def scientific(value: Any) -> str:
  """Formats a figure of unknown size in a few digits."""
  return f"{value:.2g}" if _is_number(value) else DASH


def rate(value: Any) -> str:
  """Formats images a second."""
  if not _is_number(value):
    return DASH
  return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def duration(seconds: Any) -> str:
  """Formats a time with two units at most."""
  if not _is_number(seconds):
    return DASH
  if seconds < 9.95:
    return f"{seconds:.1f} s"
  minutes, rest = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  if hours:
    return f"{hours} h {minutes} min"
  return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def seconds(value: Any) -> str:
  """Formats a time in seconds, to be compared within a column."""
  if not _is_number(value):
    return DASH
  if value < 0.1:
    return f"{value:.2g}"
  digits = 3 if value < 0.95 else 1 if value < 99.5 else 0
  return f"{value:,.{digits}f}"


def size(num_bytes: int) -> str:
  """Formats bytes with a decimal unit."""
  value, unit = float(num_bytes), "bytes"
  for larger in ("kB", "MB", "GB", "TB"):
    if value < 1000:
      break
    value, unit = value / 1000, larger
  shown = f"{value:,.0f}" if value >= 10 or unit == "bytes" else f"{value:.1f}"
  return f"{shown} {unit}"


def plural(number: int, thing: str, things: str = "") -> str:
  """Formats a counted noun."""
  return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def joined(parts: list[str]) -> str:
  """Joins the parts of an enumeration."""
  if len(parts) == 1:
    return parts[0]
  return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _is_number(value: Any) -> bool:
  return value is not None and math.isfinite(value)


def _suffixes(names: Mapping[str, Any], prefix: str) -> list[str]:
  suffixes = (n.removeprefix(prefix) for n in names if n.startswith(prefix))
  return [suffix for suffix in suffixes if suffix.isdecimal()]
