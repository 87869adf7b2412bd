"""A head on the features of the run's own backbone, from training to codes."""

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from dsth_jax import config as config_lib
from dsth_jax import datasets, pipeline
from dsth_jax.datasets import shards
from dsth_jax.encode import HashFunction
from dsth_jax.models import inference
from dsth_jax.pipeline import shard_encoding

pytestmark = pytest.mark.usefixtures("undrawn")


def _config(data_dir):
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.data.data_dir = str(data_dir)
  config.num_bits = 16
  config.train.num_epochs = 3
  config.eval.num_training_queries = 100
  config.eval.baselines = ("itq",)
  return config


@pytest.fixture(scope="module", params=["simplenet", "frozen_backbone"])
def finished(request, data_dir, tmp_path_factory):
  """A finished run of each kind of hash network, features of cropped images."""
  config = _config(data_dir)
  config.features.resized_size = 10
  if request.param == "simplenet":
    config.model.network = "simplenet"
    config.train.num_epochs = 1
  workdir = tmp_path_factory.mktemp(request.param)
  pipeline.run(config, workdir)
  return workdir


@pytest.fixture(scope="module")
def images(data_dir):
  return datasets.load("digits", data_dir=str(data_dir)).images


def _resized(images, rows, hash_function):
  return np.stack(
    [
      datasets.resize_and_crop(
        images[row], hash_function.image_size, hash_function.resized_size
      )
      for row in rows
    ]
  )


def test_new_images_get_the_codes_of_the_run(finished, images):
  hash_function = pipeline.load_hash_function(finished)
  rows = range(0, 300)
  packed = hash_function.encode(_resized(images, rows, hash_function))
  expected = np.load(finished / "codes" / "packed.npy")[:300]
  # A value within rounding of its threshold may fall to either side.
  assert np.bitwise_count(np.asarray(packed) ^ expected).sum() <= 1


def test_shards_get_the_codes_of_the_run(finished, images, tmp_path):
  for row in range(40):
    Image.fromarray(images[row]).save(tmp_path / f"{row:02d}.png")
  (shard,) = shards.find(str(tmp_path), images_per_shard=100)
  hash_function = pipeline.load_hash_function(finished)
  found = shard_encoding.encode_shard(shard, hash_function)
  expected = np.load(finished / "codes" / "packed.npy")[:40]
  assert np.bitwise_count(found.packed ^ expected).sum() <= 1


def test_one_onnx_model_maps_pixels_to_values(finished, images):
  hash_function = pipeline.load_hash_function(finished)
  session = onnxruntime.InferenceSession(hash_function.to_onnx())
  (pixels,) = session.get_inputs()
  batch = _resized(images, range(hash_function.batch_size), hash_function)
  (values,) = session.run(None, {pixels.name: batch.astype(np.float32)})
  bits = values >= np.asarray(hash_function.thresholds)
  packed = np.packbits(bits, axis=1)
  expected = np.asarray(hash_function.encode(batch))
  assert np.bitwise_count(packed ^ expected).sum() <= 1


def test_a_saved_hash_function_is_the_same(finished, images, tmp_path):
  hash_function = pipeline.load_hash_function(finished)
  hash_function.save(tmp_path / "kept")
  kept = HashFunction.load(tmp_path / "kept")
  assert kept.fingerprint == hash_function.fingerprint
  batch = _resized(images, range(40), kept)
  np.testing.assert_array_equal(kept.encode(batch), hash_function.encode(batch))
  assert kept.encode(batch[:0]).shape == (0, 2)


def test_what_is_no_hash_function_is_refused(tmp_path):
  with pytest.raises(ValueError, match=r"holds no hash function"):
    HashFunction.load(tmp_path)


def test_a_head_is_trained_without_pixels_and_beats_itq(data_dir, tmp_path):
  config = _config(data_dir)
  config.train.num_epochs = 30
  results = pipeline.run(config, tmp_path)
  assert not (tmp_path / "pixels").exists()
  scores = {
    method: found["mean_average_precision"]
    for method, found in results["held_out"].items()
  }
  assert scores["dsth"] > scores["itq"] + 0.05


@pytest.mark.slow
def test_joint_backbones_and_hidden_layers(tmp_path):
  rng = np.random.default_rng(0)
  folder = tmp_path / "photos"
  folder.mkdir()
  for number in range(120):
    pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / f"{number}.png")
  config = _config(tmp_path / "data")
  config.data.name, config.data.root = "image_folder", str(folder)
  config.data.num_queries = 10
  config.features.backbone = "pixels+efficientnet_lite0"
  config.features.image_size = 32
  config.model.hidden_sizes = (8,)
  config.train.batch_size = 16
  pipeline.run(config, tmp_path / "run")
  for name in ("pixels", "efficientnet_lite0"):
    assert (tmp_path / "run" / "features" / name / "features.npy").exists()
  hash_function = pipeline.load_hash_function(tmp_path / "run")
  images = datasets.load(
    "image_folder", root=str(folder), data_dir=config.data.data_dir
  ).images
  batch = _resized(images, range(120), hash_function)
  packed = np.asarray(hash_function.encode(batch))
  expected = np.load(tmp_path / "run" / "codes" / "packed.npy")
  # Backbone and head as one model round otherwise than one after another.
  assert np.bitwise_count(packed ^ expected).mean() < 0.1


def test_features_of_a_file_train_but_encode_no_new_images(data_dir, tmp_path):
  rng = np.random.default_rng(0)
  np.save(tmp_path / "features.npy", rng.normal(size=(1797, 20)))
  config = _config(data_dir)
  config.features.file = str(tmp_path / "features.npy")
  pipeline.run(config, tmp_path / "run")
  hash_function = pipeline.load_hash_function(tmp_path / "run")
  with pytest.raises(ValueError, match="learned from features of a file"):
    hash_function.encode(np.zeros((1, 8, 8, 3), np.uint8))


def test_a_backbones_file_that_changed_is_refused(data_dir, tmp_path):
  def write(scale):
    def forward(pixels):
      return scale * pixels.mean(axis=(1, 2))

    model = inference.export_onnx(forward, (1, 8, 8, 3))
    (tmp_path / "net.onnx").write_bytes(model)

  write(1.0)
  config = _config(data_dir)
  config.features.backbone = f"pixels+{tmp_path}/net.onnx"
  pipeline.run(config, tmp_path / "run")
  pipeline.load_hash_function(tmp_path / "run")
  write(2.0)
  with pytest.raises(ValueError, match=r"net\.onnx, which has changed or is"):
    pipeline.load_hash_function(tmp_path / "run")
