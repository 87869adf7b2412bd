import numpy as np
import pytest
from support.run_results import at

from dsth_jax.report import results as results_lib


@pytest.mark.parametrize(
  ("fields", "message"),
  [
    ({"query_names": ["a"]}, "1 query names for 2 queries"),
    ({"distances": [[1], [2]]}, r"distances have the lengths \[1, 1\]"),
    ({"relevant": [[True] * 3]}, r"relevant have the lengths \[3\]"),
    ({"result_names": []}, "result_names have the lengths"),
    ({"queries": [np.zeros((8, 8, 3))] * 2}, r"float64\[8, 8, 3\], but uint8"),
    ({"queries": [np.zeros((8, 8), np.uint8)] * 2}, r"row 0 .* uint8\[8, 8\]"),
    ({"queries": [np.zeros((0, 8, 3), np.uint8)] * 2}, r"uint8\[0, 8, 3\]"),
  ],
)
def test_sheets_that_do_not_fit_are_refused(results, sheet, fields, message):
  results_lib.check(results, sheet)
  with pytest.raises(ValueError, match=message):
    results_lib.check(results, sheet._replace(**fields))


@pytest.mark.parametrize(
  ("section", "key", "message"),
  [
    (("summary",), "num_bits", r'results\["summary"\] lack num_bits'),
    (("summary",), "network", r'results\["summary"\] lack network'),
    (("statistics", "itq"), "bit_balance", r'\["itq"\] lack bit_balance'),
    (("stages", "codes"), "reused", r'\["stages"\]\["codes"\] lack reused'),
    ((), "environment", "results lack environment"),
  ],
)
def test_results_without_a_section_are_refused(
  results, sheet, section, key, message
):
  del at(results, section)[key]
  with pytest.raises(ValueError, match=message):
    results_lib.check(results, sheet)


def test_settings_without_metrics_are_not_measured(results):
  assert list(results_lib.measured(results)) == ["held_out", "training"]
  results["held_out"] = None
  assert results_lib.by_method(results) == results["training"]
  results["training"] = {}
  assert results_lib.measured(results) == {}
