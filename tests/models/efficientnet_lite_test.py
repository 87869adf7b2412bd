"""The EfficientNet-Lite networks against the recorded features of PyTorch."""

import pathlib

import flax.traverse_util
import jax
import numpy as np
import pytest
from PIL import Image

from dsth_jax import features
from dsth_jax.models.backbones import (
  BACKBONES,
  efficientnet_lite,
  layouts,
  torch_weights,
)

RECORDED = (
  pathlib.Path(__file__).parents[1] / "support/recorded/efficientnet_lite.npz"
)


def _recorded(name, image_size):
  """Real images at a network's size, and PyTorch's features of them."""
  with np.load(RECORDED) as file:
    images = [*file["small"], *file["photographs"]]
    expected = [*file[f"{name}/small"], *file[f"{name}/photographs"]]
  size = (image_size, image_size)
  large = [
    Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
    for image in images
  ]
  return np.stack([np.asarray(image) for image in large]), np.stack(expected)


@pytest.mark.parametrize(
  ("name", "engine"),
  [
    ("efficientnet_lite0", "onnx"),
    ("efficientnet_lite0", "jit"),
    ("efficientnet_lite1", "onnx"),
    ("efficientnet_lite2", "onnx"),
  ],
)
def test_features_equal_those_of_pytorch(name, engine):
  image_size = BACKBONES[name].image_size
  images, expected = _recorded(name, image_size)
  forward_batch, num_features = features.backbone(
    name, image_size=image_size, batch_size=16, engine=engine
  )
  found = forward_batch(images)
  assert found.shape == (len(images), num_features)
  error = np.linalg.norm(found - expected, axis=1)
  # Measured: 1.4e-6 to 2.9e-6 for Lite0. Float32 sums in another order, 49
  # layers deep.
  assert np.all(error < 1e-5 * np.linalg.norm(expected, axis=1))


def test_every_tensor_finds_its_variable():
  layout = efficientnet_lite.LITE0
  path = layout.installed()
  tensors = torch_weights.read_torch_tensors(path)
  variables = layouts.variables(layout, tensors, file=path)
  flat = flax.traverse_util.flatten_dict(variables, sep="/")
  # Five tensors for each of 49 convolutions and their norms, 4 of them norms.
  assert len(flat) == 5 * 49
  depthwise = "_blocks.3._depthwise_conv.weight"
  np.testing.assert_array_equal(
    flat["params/block_3/depthwise/conv/kernel"][1, 2, 0, 7],
    tensors[depthwise][7, 0, 1, 2],
  )


def test_preprocess_scales_as_the_weights_expect():
  images = np.array([0, 127, 255], np.uint8).reshape(1, 1, 1, 3)
  scaled = efficientnet_lite.preprocess(images)
  np.testing.assert_array_equal(scaled.ravel(), [-127 / 128, 0, 1])


def test_other_image_sizes_have_features():
  forward = BACKBONES["efficientnet_lite0"].load("")
  images = jax.ShapeDtypeStruct((2, 160, 160, 3), np.float32)
  assert jax.eval_shape(forward, images).shape == (2, 1280)
