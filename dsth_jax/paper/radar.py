"""The figures of the paper's radar charts, Fig. 3 to 6 (b) and (c)."""

from collections.abc import Sequence

import numpy as np

from dsth_jax import metrics as metrics_lib
from dsth_jax.paper.results import Metrics

AXES = (
  *("mean RP", "max F of RP", "mean RIP"),
  *("max F of RIP", "NC3P", "HD3P"),
)
BETA = 0.5
MAX_F = f"max_f_beta_{BETA}"
# Section IV-A; the classes of these data sets are equally large.
_NUM_CLASSES = {
  "cifar10": 10,
  "stl10": 10,
  "cifar100_coarse": 20,
  "cifar100_fine": 100,
}


def figures(found: Metrics, dataset: str) -> list[float]:
  """Returns the figures of the axes `AXES`; NaN where there is none.

  No axis is multiplied by a factor, as four of the paper's Fig. 3 (b) are.
  """
  nan = float("nan")
  values = (
    _mean(found.get("precision_at_recall")),
    found.get(MAX_F),
    _mean(found.get("precision_of_returned")),
    max_f_of_returned(found, dataset),
    found.get("nc3p"),
    found.get("hd3p"),
  )
  return [nan if value is None else float(value) for value in values]


def max_f_of_returned(found: Metrics, dataset: str) -> float | None:
  """Returns the largest F-measure of the first N images, over the measured N.

  Recall of the first N is N P / R, of R relevant images in the database. The
  data sets of the paper's radars have classes of one size, so that R is the
  size of the database divided by the number of classes.

  Args:
    found: metrics with `precision_of_returned` and `num_database`.
    dataset: its name; None comes back where its classes are not known.
  """
  precision = np.array(found.get("precision_of_returned") or [], np.float64)
  if dataset not in _NUM_CLASSES or not len(precision):
    return None
  relevant = found["num_database"] / _NUM_CLASSES[dataset]
  recall = np.minimum(
    np.array(found["returned_images"]) * precision / relevant, 1.0
  )
  hits = precision > 0
  if not hits.any():
    return 0.0
  return metrics_lib.max_f_measure(precision[hits], recall[hits], beta=BETA)


def _mean(values: Sequence[float] | None) -> float | None:
  return float(np.mean(values)) if values else None
