"""GoogLeNet as torchvision has it, with its ImageNet weights.

Those weights come from TensorFlow: batch normalization in place of local
response normalization, pixels of -1 to 1, and 3 x 3 kernels in the branch that
the paper gives 5 x 5.

References:
  Szegedy et al., Going deeper with convolutions, CVPR 2015, Table 1.
"""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from dsth_jax.models.backbones import pooling
from dsth_jax.models.backbones.layouts import Format, Layout

NUM_FEATURES = 1024
# Channels of each inception block: 1 x 1; the reduction to 3 x 3, and it; the
# reduction of the third branch, and it; the projection after the pool.
_INCEPTIONS = {
  "3a": (64, 96, 128, 16, 32, 32),
  "3b": (128, 128, 192, 32, 96, 64),
  "4a": (192, 96, 208, 16, 48, 64),
  "4b": (160, 112, 224, 24, 64, 64),
  "4c": (128, 128, 256, 24, 64, 64),
  "4d": (112, 144, 288, 32, 64, 64),
  "4e": (256, 160, 320, 32, 128, 128),
  "5a": (256, 160, 320, 32, 128, 128),
  "5b": (384, 192, 384, 48, 128, 128),
}


class GoogLeNet(nn.Module):
  """Maps preprocessed images to 1,024 average-pooled features.

  Batch statistics are frozen; the auxiliary classifiers are left out.
  """

  @nn.compact
  def __call__(self, x: Float[Array, "n h w 3"]) -> Float[Array, "n 1024"]:
    """Returns the features that the classifier reads, none negative."""
    x = _ConvNorm(64, kernel=7, stride=2, name="conv1")(x)
    x = pooling.max_pool(x, 3, 2, ceil=True)
    x = _ConvNorm(64, name="conv2")(x)
    x = _ConvNorm(192, kernel=3, name="conv3")(x)
    x = pooling.max_pool(x, 3, 2, ceil=True)
    for block, channels in _INCEPTIONS.items():
      if block == "4a":
        x = pooling.max_pool(x, 3, 2, ceil=True)
      if block == "5a":
        x = pooling.max_pool(x, 2, 2, ceil=True)
      x = _Inception(channels, name=f"inception{block}")(x)
    return jnp.mean(x, axis=(1, 2))


class _ConvNorm(nn.Module):
  """Convolution of the same size, frozen batch normalization and ReLU."""

  channels: int
  kernel: int = 1
  stride: int = 1

  @nn.compact
  def __call__(self, x: Array) -> Array:
    x = nn.Conv(
      self.channels,
      (self.kernel, self.kernel),
      self.stride,
      padding=self.kernel // 2,
      use_bias=False,
      name="conv",
    )(x)
    x = nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="norm")(x)
    return nn.relu(x)


class _Inception(nn.Module):
  """Four branches side by side."""

  channels: tuple[int, int, int, int, int, int]

  @nn.compact
  def __call__(self, x: Array) -> Array:
    first, reduce3, wide3, reduce5, wide5, projected = self.channels
    branch1 = _ConvNorm(first, name="branch1")(x)
    branch2 = _ConvNorm(reduce3, name="branch2_reduce")(x)
    branch2 = _ConvNorm(wide3, kernel=3, name="branch2")(branch2)
    branch3 = _ConvNorm(reduce5, name="branch3_reduce")(x)
    branch3 = _ConvNorm(wide5, kernel=3, name="branch3")(branch3)
    branch4 = pooling.max_pool(x, 3, 1, before=1)
    branch4 = _ConvNorm(projected, name="branch4")(branch4)
    return jnp.concatenate([branch1, branch2, branch3, branch4], axis=-1)


LAYOUT = Layout(
  "GoogLeNet",
  GoogLeNet(),
  image_size=224,
  formats=(
    Format(
      (
        (r"branch([23])_reduce", r"branch\1.0"),
        (r"/branch([234])/", r"/branch\1.1/"),
        ("norm$", "bn"),
      ),
      unused=r"(aux[12]|fc)\..*|.*\.num_batches_tracked",
    ),
  ),
  source="torchvision's googlenet-1378be20.pth from "
  "https://download.pytorch.org/models",
)
