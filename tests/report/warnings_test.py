from dsth_jax.report import warnings

SPACE = "\N{NO-BREAK SPACE}"


def test_warnings_name_what_happened(results):
  text = " ".join(warnings.find(results))
  assert "2 images could not be read" in text
  assert "had 6 components; 5 edges" in text
  assert "2 images had no neighbor in the graph before" in text
  assert "41 of the 9,871 held-out queries have no relevant image" in text


def test_there_are_none_without_a_cause(results):
  clear(results)
  assert warnings.find(results) == []


def test_warnings_of_a_poor_run(results):
  clear(results)
  results["graph"] |= {"num_components": 3, "recall": 0.97}
  results["statistics"]["dsth"]["num_distinct_codes"] = 46
  results["statistics"]["dsth"]["num_constant_bits"] = 4
  results["held_out"]["dsth"]["hd3p_empty_share"] = 0.8
  found = warnings.find(results)
  wanted = (
    f"97{SPACE}% of the true neighbors",
    "3 components that are not connected",
    f"80{SPACE}% of the held-out queries have no code within distance 3",
    "gives 58,994 images only 46 distinct codes",
    "4 bits of the hash function's codes are the same",
  )
  assert len(found) == len(wanted)
  for text, part in zip(found, wanted):
    assert part in text


def test_the_advice_of_a_collapsed_run_is_the_learning_rate(results):
  clear(results)
  statistics = results["statistics"]["dsth"]
  statistics |= {"num_distinct_codes": 1, "num_constant_bits": 48}
  (text,) = warnings.find(results)
  assert "All 58,994 images have the same code" in text
  assert "Lower train.learning_rate" in text
  assert "more bits" not in text


def test_a_baseline_without_a_fit_is_named_with_its_reason(results):
  clear(results)
  results["not_fitted"] = {"itq": "features vary along 3 directions."}
  (text,) = warnings.find(results)
  assert text.startswith("ITQ could not be fitted")
  assert text.endswith("features vary along 3 directions.")


def clear(results):
  """Removes the cause of every warning."""
  results["skipped"] = []
  causes = ("num_isolated", "num_edges_added")
  results["graph"] |= {"num_components": 1} | dict.fromkeys(causes, 0)
  for setting in ("held_out", "training"):
    for scores in results[setting].values():
      scores["num_queries_without_relevant"] = 0
