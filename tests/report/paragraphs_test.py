from dsth_jax.report import paragraphs

SPACE = "\N{NO-BREAK SPACE}"


def test_quality_compares_as_the_figures_do(results):
  text = paragraphs.quality("held_out", results["held_out"])
  assert "9,871 queries that took no part in training" in text
  assert "search 49,123 database images. DSTH has" in text
  # In the order of the metrics that are given.
  above = "above LSH (0.221), ITQ (0.312) and the features (0.331)."
  assert f"precision of 0.439, {above}" in text
  # 0.439 + 0.27 - 0.062 at 100 images.
  assert f"Of the first 100 images returned, 65{SPACE}% are relevant" in text
  results["held_out"]["itq"]["mean_average_precision"] = 0.4391
  results["held_out"]["lsh"]["mean_average_precision"] = 0.7
  text = paragraphs.quality("held_out", results["held_out"])
  assert (
    "above the features (0.331), equal to ITQ (0.439), below LSH (0.700)."
  ) in text


def test_quality_compares_only_what_was_measured(results):
  held_out = results["held_out"]
  held_out["itq"]["mean_average_precision"] = float("nan")
  text = paragraphs.quality("held_out", held_out)
  assert "above LSH (0.221) and the features (0.331)." in text
  held_out["dsth"]["mean_average_precision"] = None
  text = paragraphs.quality("held_out", held_out)
  assert "precision of \N{EN DASH}. Of the first" in text


def test_quality_without_dsth_is_about_the_labels(results):
  del results["training"]["dsth"]
  text = paragraphs.quality("training", results["training"])
  assert "search the 49,123 others. The hash labels have" in text
  assert "above the hash labels of the paper's setting (0.278)" in text


def test_class_labels_are_denied_only_for_known_hash_labels(results):
  assert "No class labels were used" in paragraphs.opening(results)
  results["summary"]["labels"] = "supervised"
  assert "No class labels were used" not in paragraphs.opening(results)


def test_pictures_count_the_relevant_results(sheet):
  assert "class: 4 of 6." in paragraphs.pictures(sheet)
  assert "frame" not in paragraphs.pictures(sheet._replace(relevant=None))
