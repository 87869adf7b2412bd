import json

import numpy as np
from support.comparison_results import outcome

from dsth_jax.comparison import summary


def test_times_that_are_unknown_are_left_out_of_the_mean():
  cells = [outcome("dsth", 16, seed, 0.5) for seed in (0, 1, 2)]
  cells[1]["fit_seconds"] = None
  found = summary.over_seeds(cells)
  assert found["mean"]["fit_seconds"] == np.mean([2.0, 4.0])
  assert found["spread"]["fit_seconds"] == np.std([2.0, 4.0], ddof=1)
  assert found["mean"]["num_queries"] == 300
  assert isinstance(found["mean"]["num_queries"], int)


def test_means_and_spreads_are_json():
  cells = [outcome("dsth", 16, seed, 0.5) for seed in (0, 1)]
  found = summary.over_seeds(cells)
  assert json.loads(json.dumps(found)) == found
