from dsth_jax.report import speed


def test_speed_compares_only_a_faster_hash_function(results):
  # 8,792.3 / 312.4; 6 bytes of 49,123 codes.
  assert "28 times as fast" in speed.paragraph(results)
  assert "takes 6 bytes" in speed.paragraph(results)
  assert "take 294.7 kB" in speed.paragraph(results)
  results["stages"]["features"]["images_per_second"] = 1e6
  assert "times as fast" not in speed.paragraph(results)
  assert "8,792 images per second" in speed.paragraph(results)


def test_speed_of_features_is_that_of_all_backbones(results):
  stages = results["stages"]
  for name in ("features/lite0", "features/lite2"):
    stages[name] = {**stages["features"], "images_per_second": 300.0}
  del stages["features"]
  assert "for 150 images per second" in speed.paragraph(results)
  stages["features/lite0"]["images_per_second"] = None
  assert "Features" not in speed.paragraph(results)


def test_speed_from_features_is_not_compared_with_theirs(results):
  results["summary"]["network_inputs"] = "features"
  text = speed.paragraph(results)
  assert "encodes 8,792 images per second from their features." in text
  assert "times as fast" not in text
