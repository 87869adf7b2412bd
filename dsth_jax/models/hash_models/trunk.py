"""SimpleNet below its fully connected layers (Table I)."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Num

from dsth_jax.models.hash_models import layers
from dsth_jax.types import ArrayLike

# The output channels of the convolutions for an image size; each is followed
# by pooling, the first by the maximum, the others by the mean.
WIDTHS = {32: (32, 32, 64), 96: (32, 32, 64, 64, 128)}


def preprocess(pixels: Num[ArrayLike, "n s s 3"]) -> Float[Array, "n s s 3"]:
  """Scales pixels from 0..255 to -1..1."""
  return jnp.asarray(pixels, jnp.float32) / 127.5 - 1.0


def convolve(
  module: nn.Module,
  x: Float[Array, "n s s 3"],
  *,
  norm: bool,
  width: float,
  train: bool,
) -> Float[Array, "n v"]:
  """Applies convolutions and pools, whose variables are those of a module.

  It is called inside of the module's `__call__`. The last pool leaves
  4 x 4 x 64 = 1,024 values of an image of 32 pixels a side, and
  3 x 3 x 128 = 1,152 of one of 96.

  Args:
    module: gets the parameters conv1, norm1, conv2 and so on.
    x: images of 32 or 96 pixels a side, as `preprocess` scales them.
    norm: batch normalization after every convolution, otherwise a bias.
    width: the channels are those of Table I times this.
    train: normalizes by the batch, and asks for gradients.

  Raises:
    ValueError: the image size is not in Table I.
  """
  if x.shape[1] not in WIDTHS:
    raise ValueError(
      f"SimpleNet got images of {x.shape[1]} pixels a side; Table I has "
      f"{' and '.join(map(str, WIDTHS))}: set the image size to one of them."
    )
  ops = layers.training_layers() if train else layers.PLAIN
  for index, channels in enumerate(WIDTHS[x.shape[1]]):
    kernel = module.param(
      f"conv{index + 1}",
      nn.initializers.he_normal(),
      (5, 5, x.shape[-1], max(1, round(channels * width))),
    )
    # Max pooling commutes with ReLU: pooling first, as Caffe's own CIFAR-10
    # network does, normalizes a quarter of the values.
    x = (ops.conv_max_pool if index == 0 else ops.conv)(x, kernel)
    name = f"norm{index + 1}"
    if norm:
      x = nn.BatchNorm(use_running_average=not train, momentum=0.9, name=name)(
        x
      )
    else:
      bias = module.param(name, nn.initializers.zeros, (x.shape[-1],))
      x = x + bias[None, None, None, :]
    x = nn.relu(x)
    x = x if index == 0 else ops.avg_pool(x)
  return x.reshape(x.shape[0], -1)
