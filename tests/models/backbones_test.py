"""Every backbone against the recorded features of other libraries."""

import pathlib

import flax.traverse_util
import jax
import numpy as np
import pytest
from support import random_weights

from dsth_jax.models import inference
from dsth_jax.models.backbones import BACKBONES, known_layouts, layouts

RECORDED = pathlib.Path(__file__).parents[1] / "support/recorded/backbones.npz"
_QUICK = ("alexnet", "vgg16")
CASES = [
  (name, size)
  for name, small in random_weights.SMALL.items()
  for size in small.image_sizes
]


def _expected(name, image_size):
  with np.load(RECORDED) as file:
    return file[f"{name}/{image_size}"]


def _relative_error(found, expected):
  return np.abs(found - expected).max() / np.abs(expected).max()


# The two libraries differ by 5e-7 to 2e-6 here: float32 sums in another order.
@pytest.mark.parametrize(("name", "image_size"), CASES)
def test_features_equal_those_of_other_libraries(name, image_size):
  variables = random_weights.small_variables(name)
  layout, preprocess, _ = random_weights.SMALL[name]
  images = random_weights.random_images(image_size)
  found = jax.jit(layout.module.apply)(variables, preprocess(images))
  assert _relative_error(found, _expected(name, image_size)) < 1e-5


@pytest.mark.parametrize(
  ("name", "image_size"),
  [
    pytest.param(*case, marks=[pytest.mark.slow] * (case[0] == "googlenet"))
    for case in CASES
  ],
)
def test_the_onnx_export_has_the_same_features(name, image_size):
  variables = random_weights.small_variables(name)
  layout, preprocess, _ = random_weights.SMALL[name]
  forward_batch = inference.compile_forward(
    lambda pixels: layout.module.apply(variables, preprocess(pixels)),
    item_shape=(image_size, image_size, 3),
    batch_size=2,
    engine="onnx",
  )
  found = forward_batch(random_weights.random_images(image_size))
  assert _relative_error(found, _expected(name, image_size)) < 1e-5


@pytest.mark.parametrize(
  "name",
  [
    pytest.param(name, marks=[pytest.mark.slow] * (name not in _QUICK))
    for name in known_layouts()
  ],
)
def test_the_table_has_the_sizes_of_each_network(name):
  backbone = BACKBONES[name]
  for size in (backbone.min_image_size, backbone.image_size):
    shapes = layouts.variable_shapes(backbone.layout)
    variables = {
      path: jax.ShapeDtypeStruct(shape, np.float32)
      for path, shape in shapes.items()
    }
    images = jax.ShapeDtypeStruct((1, size, size, 3), np.float32)
    features = jax.eval_shape(
      lambda variables, images: backbone.layout.module.apply(
        flax.traverse_util.unflatten_dict(variables, sep="/"),
        backbone.preprocess(images),
      ),
      variables,
      images,
    )
    assert features.shape == (1, backbone.num_features)
  layers = {path.split("/")[1] for path in shapes}
  assert layers >= set(backbone.last)


def test_a_file_of_weights_is_what_a_backbone_loads(tmp_path):
  backbone = BACKBONES["clip_vitb32"]
  with pytest.raises(ValueError, match="CLIP ViT-B/32 comes without weights"):
    backbone.load("")
  path = tmp_path / "model.safetensors"
  path.write_bytes(b"no weights")
  with pytest.raises(ValueError, match="damaged or cut short"):
    backbone.load(str(path))
