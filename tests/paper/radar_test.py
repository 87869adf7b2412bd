import math

import numpy as np
import pytest
from support import paper_results

from dsth_jax.paper import radar


def test_no_axis_is_scaled():
  found = paper_results.metrics(0.5)
  figures = dict(zip(radar.AXES, radar.figures(found, "cifar10")))
  assert figures["mean RP"] == np.mean(found["precision_at_recall"])
  assert figures["mean RIP"] == np.mean(found["precision_of_returned"])
  assert figures["max F of RP"] == found["max_f_beta_0.5"]
  assert (figures["HD3P"], figures["NC3P"]) == (found["hd3p"], found["nc3p"])


@pytest.mark.parametrize(
  ("dataset", "num_classes"),
  [
    *(("cifar10", 10), ("stl10", 10)),
    *(("cifar100_coarse", 20), ("cifar100_fine", 100)),
  ],
)
def test_the_f_measure_of_returned_images_is_that_of_their_hits(
  dataset, num_classes
):
  # Counted for each N: of N images returned, N P are relevant.
  found = {
    "num_database": 2000,
    "returned_images": [1, 10, 100],
    "precision_of_returned": [1.0, 0.8, 0.25],
  }
  relevant = 2000 / num_classes
  expected = max(
    1.25 * hits / (returned + 0.25 * relevant)
    for returned, hits in ((1, 1), (10, 8), (100, 25))
    # Recall is at most one.
    for hits in [hits if hits <= relevant else math.nan]
    if not math.isnan(hits)
  )
  if num_classes == 100:
    # 25 hits of 20 relevant images cannot be: recall 1, precision 0.25.
    expected = max(expected, 1.25 * 0.25 / (0.25 * 0.25 + 1))
  assert radar.max_f_of_returned(found, dataset) == pytest.approx(expected)


def test_without_a_hit_the_f_measure_is_zero():
  found = {
    "num_database": 20,
    "returned_images": [1, 10],
    "precision_of_returned": [0.0, 0.0],
  }
  assert radar.max_f_of_returned(found, "cifar10") == 0


def test_what_is_missing_is_not_a_number():
  found = paper_results.metrics(0.5)
  del found["hd3p"], found["precision_of_returned"]
  figures = dict(zip(radar.AXES, radar.figures(found, "cifar10")))
  missing = {name for name, value in figures.items() if math.isnan(value)}
  assert missing == {"HD3P", "mean RIP", "max F of RIP"}
  assert math.isnan(radar.figures(found, "oxford105k")[3])
