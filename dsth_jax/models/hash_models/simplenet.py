"""SimpleNet, the small network that learns the hash function (Table I)."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Num

from dsth_jax.models.hash_models import heads, layers
from dsth_jax.types import ArrayLike

# The output channels of the convolutions for an image size; each is followed
# by pooling, the first by the maximum, the others by the mean.
WIDTHS = {32: (32, 32, 64), 96: (32, 32, 64, 64, 128)}


def preprocess(pixels: Num[ArrayLike, "n s s 3"]) -> Float[Array, "n s s 3"]:
  """Scales pixels from 0..255 to -1..1."""
  return jnp.asarray(pixels, jnp.float32) / 127.5 - 1.0


class SimpleNet(nn.Module):
  """Convolutions and pools of Table I, a head, and an activation on top.

  The last pool leaves 4 x 4 x 64 = 1,024 values of an image of 32 pixels a side,
  and 3 x 3 x 128 = 1,152 of one of 96. In either head a fully connected layer of
  1,024 values with ReLU comes first. Table I does not list it. Before the slices
  it is the "first full connection layer" of section III-B, which makes the
  1,024 values that are split into 16 groups.

  Attributes:
    num_bits: bits of a code.
    head: a name in `heads.HEADS`.
    activation: a name in `heads.ACTIVATIONS`.
    norm: batch normalization after every convolution (h of Eq. 15).
    width: the channels of the convolutions are those of Table I times this.
  """

  num_bits: int
  head: str = "slice"
  activation: str = "batchnorm"
  norm: bool = True
  width: float = 1.0

  @nn.compact
  def __call__(
    self, x: Float[Array, "n s s 3"], train: bool = False
  ) -> Float[Array, "n b"]:
    """Returns one real number a bit.

    Args:
      x: images of 32 or 96 pixels a side, as `preprocess` scales them.
      train: normalizes by the batch, and asks for gradients.

    Raises:
      ValueError: the image size is not in Table I.
    """
    if x.shape[1] not in WIDTHS:
      raise ValueError(
        f"SimpleNet got images of {x.shape[1]} pixels a side; Table I has "
        f"{' and '.join(map(str, WIDTHS))}: set model.image_size to one."
      )
    ops = layers.training_layers() if train else layers.PLAIN
    for index, channels in enumerate(WIDTHS[x.shape[1]]):
      kernel = self.param(
        f"conv{index + 1}",
        nn.initializers.he_normal(),
        (5, 5, x.shape[-1], max(1, round(channels * self.width))),
      )
      # Max pooling commutes with ReLU: pooling first, as Caffe's own CIFAR-10
      # network does, normalizes a quarter of the values.
      x = (ops.conv_max_pool if index == 0 else ops.conv)(x, kernel)
      x = nn.relu(self._normalize(x, f"norm{index + 1}", train))
      x = x if index == 0 else ops.avg_pool(x)
    x = x.reshape(x.shape[0], -1)
    bits = heads.HEADS[self.head](self.num_bits, name="head")(x)
    activation = heads.ACTIVATIONS[self.activation](name="activation")
    return activation(bits, train)

  def _normalize(self, x: Array, name: str, train: bool) -> Array:
    if not self.norm:
      bias = self.param(name, nn.initializers.zeros, (x.shape[-1],))
      return x + bias[None, None, None, :]
    norm = nn.BatchNorm(use_running_average=not train, momentum=0.9, name=name)
    return norm(x)
