"""From the tensors of a file to variables, or an error."""

import re

import flax.traverse_util
import numpy as np
import pytest
from support import random_weights

from dsth_jax.models.backbones import known_layouts, layouts, vgg

LAYOUT = random_weights.SMALL["alexnet"].layout
NARROW = {
  "alexnet": LAYOUT,
  "vgg16": random_weights.SMALL["vgg16"].layout,
  "dinov2": random_weights.SMALL["dinov2"].layout,
}


@pytest.fixture(scope="module")
def tensors():
  return random_weights.random_tensors(LAYOUT)


def _variables(tensors, layout=LAYOUT):
  return layouts.variables(layout, tensors, file="weights.pth", known=NARROW)


def test_every_value_finds_its_place(tensors):
  params = _variables(tensors)["params"]
  np.testing.assert_array_equal(
    params["conv2"]["kernel"][1, 2, 3, 4],
    tensors["features.3.weight"][4, 3, 1, 2],
  )
  np.testing.assert_array_equal(
    params["fc7"]["kernel"], tensors["classifier.4.weight"].T
  )
  np.testing.assert_array_equal(
    params["fc6"]["bias"], tensors["classifier.1.bias"]
  )


def test_what_the_features_do_not_need_is_left_out(tensors):
  classifier = {"classifier.6.weight": np.zeros((10, 64), np.float32)}
  with_classifier = tensors | classifier
  needed = layouts.needed_tensors(LAYOUT, with_classifier, file="weights.pth")
  assert needed.keys() == tensors.keys()
  found, expected = map(_variables, (with_classifier, tensors))
  for name, value in flax.traverse_util.flatten_dict(found, sep="/").items():
    layer, leaf = name.split("/")[1:]
    np.testing.assert_array_equal(value, expected["params"][layer][leaf])


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats_become_float32(tensors, dtype):
  found = _variables(
    {name: tensor.astype(dtype) for name, tensor in tensors.items()}
  )
  bias = found["params"]["conv1"]["bias"]
  assert bias.dtype == np.float32
  # float16 keeps 11 bits.
  np.testing.assert_allclose(bias, tensors["features.0.bias"], rtol=1e-3)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (
      {"classifier.4.bias": None, "classifier.4.weight": None},
      "weights.pth lacks 2 of the 14 tensors of AlexNet, such as classifier.4.",
    ),
    (
      {"features.0.bias": np.zeros(3, np.float32)},
      "weights.pth does not fit AlexNet: features.0.bias is float32 of shape "
      "(3,), needed are floats of shape (64,)",
    ),
    (
      {"features.0.bias": np.zeros(64, np.int64)},
      "features.0.bias is int64 of shape (64,), needed are floats",
    ),
    (
      {"extra.weight": np.zeros(3, np.float32)},
      "weights.pth holds extra.weight, which AlexNet does not have",
    ),
  ],
)
def test_tensors_that_do_not_fit_are_named(tensors, change, message):
  changed = {
    name: tensor
    for name, tensor in (tensors | change).items()
    if tensor is not None
  }
  with pytest.raises(ValueError, match=re.escape(message)):
    _variables(changed)


def test_renamed_tensors_are_refused(tensors):
  renamed = {f"module.{name}": tensor for name, tensor in tensors.items()}
  with pytest.raises(ValueError, match=r"received is module\..*needed is "):
    _variables(renamed)
  with pytest.raises(ValueError, match="received is none at all"):
    _variables({})


def test_the_tensors_of_another_backbone_are_recognized(tensors):
  with pytest.raises(
    ValueError, match=r"holds the tensors of AlexNet \(the backbone alexnet\)"
  ):
    _variables(tensors, NARROW["vgg16"])
  others = random_weights.random_tensors(NARROW["vgg16"])
  with pytest.raises(ValueError, match=r"of VGG16 .*those of AlexNet"):
    _variables(others)


def _stored(layout, file_format, variables):
  """Returns variables as the tensors of a file of a format."""
  parts = {}
  slots = layouts.slots(layout, file_format)
  for slot in sorted(slots, key=lambda slot: slot.part):
    value = variables[slot.variable]
    if slot.variable.endswith("kernel"):
      value = np.moveaxis(value, (-1, -2), (0, 1))
    parts.setdefault(slot.name, []).append(value)
  return {name: np.concatenate(values) for name, values in parts.items()}


def test_a_file_in_dinov2s_own_names_has_the_same_variables():
  layout = NARROW["dinov2"]
  expected = flax.traverse_util.flatten_dict(
    random_weights.small_variables("dinov2"), sep="/"
  )
  tensors = _stored(layout, layout.formats[1], expected)
  # Query, key and value are one tensor, in this order.
  joined = tensors["blocks.1.attn.qkv.weight"]
  assert joined.shape == (96, 32)
  np.testing.assert_array_equal(
    joined[32:64], expected["params/block_1/attention/key/kernel"].T
  )
  tensors["mask_token"] = np.zeros((1, 32), np.float32)
  found = flax.traverse_util.flatten_dict(_variables(tensors, layout), sep="/")
  assert found.keys() == expected.keys()
  for name, value in expected.items():
    np.testing.assert_array_equal(found[name], value)


def test_vgg16s_convolutions_have_torchvisions_numbers():
  (file_format,) = vgg.LAYOUT.formats
  numbers = [
    int(name.removeprefix("features."))
    for _, name in file_format.layers
    if name.startswith("features.")
  ]
  assert numbers == [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]


@pytest.mark.slow
def test_no_two_backbones_have_the_same_tensors():
  known = known_layouts()
  for name, layout in known.items():
    shaped = {
      slot.name: np.broadcast_to(np.float32(0), slot.shape)
      for slot in layouts.slots(layout, layout.formats[0])
    }
    assert layouts._fitting_backbone(shaped, known) == name
