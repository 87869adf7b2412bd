"""A whole run whose backbone was trained with class labels."""

import json
import shutil

import numpy as np
import onnxruntime
import pytest
from support.tiny_backbone import TINY_BACKBONE

from dsth_jax import config as config_lib
from dsth_jax import datasets, pipeline
from dsth_jax.encode import HashFunction
from dsth_jax.models.backbones import BACKBONES


@pytest.fixture(scope="module", autouse=True)
def tiny():
  with pytest.MonkeyPatch.context() as patch:
    patch.setitem(BACKBONES, "tiny", TINY_BACKBONE)
    yield


@pytest.fixture(scope="module")
def finished(data_dir, tmp_path_factory):
  """The directory of a run, and its results."""
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.data.data_dir = str(data_dir)
  config.num_bits = 16
  config.train.num_epochs = 1
  config.eval.num_training_queries = 100
  config.eval.baselines = ()
  config.features.backbone = "tiny"
  config.features.batch_size = 100
  config.features.fine_tuning.num_epochs = 2
  config.features.fine_tuning.num_labelled = 320
  config.features.fine_tuning.shift = 0
  path = tmp_path_factory.mktemp("tuned")
  return path, pipeline.run(config, path)


@pytest.fixture(scope="module")
def images(data_dir):
  images = datasets.load("digits", data_dir=str(data_dir)).images
  return np.stack([images[row] for row in range(100)])


def _differing_bits(one, other):
  return int(np.bitwise_count(np.asarray(one) ^ np.asarray(other)).sum())


def test_the_hash_function_has_the_trained_backbone_inside(
  finished, images, tmp_path
):
  path, _ = finished
  expected = np.load(path / "codes" / "packed.npy")[:100]
  # Nothing else of the run is needed.
  shutil.copytree(path / "hash_function", tmp_path / "moved")
  moved = HashFunction.load(tmp_path / "moved")
  # A value within rounding of its threshold may fall to either side.
  assert _differing_bits(moved.encode(images), expected) <= 1
  moved.save(tmp_path / "again")
  again = HashFunction.load(tmp_path / "again")
  np.testing.assert_array_equal(again.encode(images), moved.encode(images))
  model = onnxruntime.InferenceSession(moved.to_onnx())
  (pixels,) = model.get_inputs()
  (values,) = model.run(None, {pixels.name: images.astype(np.float32)})
  bits = np.packbits(values >= np.asarray(moved.thresholds), axis=1)
  assert _differing_bits(bits, expected) <= 1


def test_a_hash_function_of_other_labels_is_not_finished(finished, tmp_path):
  path, _ = finished
  for name in ("hash_function", "fine_tuning"):
    shutil.copytree(path / name, tmp_path / name)
  settings = json.loads((path / "config.json").read_text())
  (tmp_path / "config.json").write_text(json.dumps(settings))
  pipeline.load_hash_function(tmp_path)
  settings["features"]["fine_tuning"]["num_labelled"] = 100
  (tmp_path / "config.json").write_text(json.dumps(settings))
  with pytest.raises(ValueError, match="is not finished with the settings"):
    pipeline.load_hash_function(tmp_path)


def test_metrics_and_report_say_how_it_classifies(finished):
  path, results = finished
  found = results["classification"]["tiny"]
  assert found["num_labels"] == 320
  written = json.loads((path / "metrics.json").read_text())
  assert written["classification"] == results["classification"]
  share = f"{100 * found['fine_tuning.accuracy']:.1f}% of 300 queries"
  for name in ("index.html", "report.md"):
    text = (path / "report" / name).read_text()
    assert "trained further with 320 class labels" in text
    assert share in text
    assert "No class labels were used" not in text
