"""The columns of the tables: which metrics there are, and what they mean."""

import math
import re
from collections.abc import Mapping
from typing import Any

MAP = "mean_average_precision"

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


def betas(metrics: Mapping[str, Any]) -> dict[str, str]:
  """Maps the names of the F-measures to their betas."""
  pattern = re.compile(r"max_f_(?:beta_)?([\d.]+)")
  matches = map(pattern.fullmatch, metrics)
  return {match[0]: match[1] for match in matches if match}


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
  texts = {
    "Relevant": "An image is relevant for a query if they share a class label.",
    "mAP": "Mean average precision over the whole database, sorted by the "
    "distance to the query. It is 1 if all relevant images come first, and "
    "about the share of the class in the database if the order is random.",
  }
  if rank:
    texts[f"mAP@{rank:,}"] = f"The same over the first {rank:,} images only."
  if first:
    texts[f"P@{first:,}"] = (
      f"Precision at {first:,}: the share of relevant images among the first "
      f"{first:,} returned."
    )
  for beta in betas(metrics).values():
    texts[f"Max F {beta}"] = (
      "The maximum over the recall levels of the F-measure of precision and "
      f"recall, where recall has {beta} times the weight of precision."
    )
  return texts | {
    "HD3P": "Precision within Hamming distance 3: the share of relevant images "
    "among those whose codes differ from the query's in at most 3 bits. A "
    "query without any such image counts 0.",
    "NC3P": "Precision of the nearest codes: the share of relevant images at "
    "the three smallest distances that occur for the query.",
  }
