"""A backbone in an ONNX file has the features of the network itself."""

import jax.numpy as jnp
import numpy as np
import pytest

from dsth_jax import features
from dsth_jax.models import inference
from dsth_jax.models.backbones import onnx_file

KERNEL = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)


def _images(count):
  rng = np.random.default_rng(1)
  return rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def _write(path, shape):
  """Writes a network of the mean colors, for either layout of images."""
  axes = (2, 3) if shape[1] == 3 else (1, 2)

  def forward(x):
    return jnp.mean(x, axis=axes) @ KERNEL

  path.write_bytes(inference.export_onnx(forward, shape))
  return path


def _expected(images):
  mean, std = map(np.asarray, (onnx_file.IMAGENET_MEAN, onnx_file.IMAGENET_STD))
  return ((images / 255 - mean) / std).mean((1, 2)) @ KERNEL


@pytest.mark.parametrize(
  "shape", [(4, 3, 8, 8), (4, 8, 8, 3), (1, 3, 8, 8)], ids=str
)
@pytest.mark.parametrize("count", [1, 4, 7])
def test_features_equal_those_of_the_network(tmp_path, shape, count):
  path = _write(tmp_path / "backbone.onnx", shape)
  forward_batch, num_features = onnx_file.load(path, image_size=8)
  images = _images(count)
  found = forward_batch(images)
  assert found.dtype == np.float32
  assert num_features == 5
  # Float32 means of 64 pixels.
  np.testing.assert_allclose(found, _expected(images), atol=1e-5)


def test_it_is_a_backbone(tmp_path):
  path = _write(tmp_path / "backbone.onnx", (4, 3, 8, 8))
  forward_batch, num_features = features.backbone(
    str(path), image_size=8, batch_size=4
  )
  images = _images(4)
  np.testing.assert_allclose(
    forward_batch(images), _expected(images), atol=1e-5
  )
  assert num_features == 5


def test_another_image_size_is_refused(tmp_path):
  path = _write(tmp_path / "backbone.onnx", (4, 3, 8, 8))
  with pytest.raises(
    ValueError, match=r"takes .*\[4, 3, 8, 8\].*features.image"
  ):
    onnx_file.load(path, image_size=16)


def test_another_file_is_refused(tmp_path):
  path = tmp_path / "backbone.onnx"
  path.write_bytes(b"no network")
  with pytest.raises(ValueError, match="cannot be read as an ONNX network"):
    onnx_file.load(path, image_size=8)
  with pytest.raises(ValueError, match=r"missing\.onnx cannot be read"):
    onnx_file.load(tmp_path / "missing.onnx", image_size=8)
