"""The columns of the tables: which metrics there are, and what they mean."""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

MAP = "mean_average_precision"
# Reported where lists say what is relevant.
MAP_TRAPEZIUM = "map_trapezium"

_PAPERS_LEVELS = (
  "the recall levels of the paper (0.1, 0.2, 0.4, 0.6, 0.8 and 1)"
)

STATISTICS = {
  "Distinct codes": "The number of different codes. Images with the same code "
  "have the same distance to each query.",
  "Imbalance": "How far the share of ones in a bit is from one half, on "
  "average: 0 if each bit halves the images, 0.5 if each bit is constant.",
  "Correlation": "The absolute correlation of two bits, on average: 0 if the "
  "bits are uncorrelated, 1 if all are equal or opposite.",
}


def max_rank(metrics: Mapping[str, Any]) -> int | None:
  """Reads K from the name mean_average_precision_at_K."""
  prefix = f"{MAP}_at_"
  suffixes = (n.removeprefix(prefix) for n in metrics if n.startswith(prefix))
  return next((int(k) for k in suffixes if k.isdecimal()), None)


class MaxF(NamedTuple):
  """A maximum F-measure over the recall levels of the paper.

  Attributes:
    column: its name in a table.
    beta: the weight of recall.
  """

  column: str
  beta: str


def max_f(metrics: Mapping[str, Any]) -> dict[str, MaxF]:
  """Returns the maximum F-measures by their names in the metrics.

  Those over all levels of the curve stay in the JSON files: as columns they
  would push the others off the page.
  """
  pattern = re.compile(r"max_f_beta_([\d.]+)")
  return {
    match[0]: MaxF(f"Max F {match[1]}", match[1])
    for match in map(pattern.fullmatch, metrics)
    if match
  }


def first_returned(metrics: Mapping[str, Any]) -> int | None:
  """Returns the measured number of returned images that is closest to 100."""
  grid = metrics.get("returned_images") or []
  return min(grid, key=lambda n: abs(math.log(n / 100)), default=None)


def explanations(metrics: Mapping[str, Any]) -> dict[str, str]:
  """Explains the columns of a quality table.

  Args:
    metrics: of any method; the ranks and betas are read from it.

  Returns:
    One or two sentences by column.
  """
  rank, first = max_rank(metrics), first_returned(metrics)
  has_lists = MAP_TRAPEZIUM in metrics
  texts = {
    "Relevant": "An image is relevant for a query if the query's published list "
    "has it. Images of its list of junk are left out of the ranking."
    if has_lists
    else "An image is relevant for a query if they share a class label.",
    "mAP": "Mean average precision over the whole database, sorted by the "
    "distance to the query. It is 1 if all relevant images come first, and "
    "about the share of the class in the database if the order is random.",
  }
  if has_lists:
    texts["mAP, trapezium"] = (
      "The same as the evaluation programs of Oxford Buildings and Holidays count "
      "it: a relevant image counts the mean of the precision before it and with "
      "it, in place of the precision with it. It is never above mAP."
    )
  if rank:
    texts[f"mAP@{rank:,}"] = f"The same over the first {rank:,} images only."
  if first:
    texts[f"P@{first:,}"] = (
      f"Precision at {first:,}: the share of relevant images among the first "
      f"{first:,} returned."
    )
  for found in max_f(metrics).values():
    texts[found.column] = (
      f"The maximum over {_PAPERS_LEVELS} of the F-measure of precision and "
      f"recall, where recall has {found.beta} times the weight of precision."
    )
  return texts | {
    "HD3P": "Precision within Hamming distance 3: the share of relevant images "
    "among those whose codes differ from the query's in at most 3 bits. A "
    "query without any such image counts 0.",
    "NC3P": "Precision of the nearest codes: the share of relevant images at "
    "the three smallest distances that occur for the query.",
  }
