"""SimpleNet, the small network that learns the hash function (Table I)."""

import flax.linen as nn
from jax import Array
from jaxtyping import Float

from dsth_jax.models.hash_models import heads, trunk


class SimpleNet(nn.Module):
  """Convolutions and pools of Table I, a head, and an activation on top.

  In either head a fully connected layer of 1,024 values with ReLU comes first.
  Table I does not list it. Before the slices it is the "first full connection
  layer" of section III-B, which makes the 1,024 values that are split into 16
  groups.

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
    """Returns one real number a bit; see `trunk.convolve`."""
    values = trunk.convolve(
      self, x, norm=self.norm, width=self.width, train=train
    )
    bits = heads.HEADS[self.head](self.num_bits, name="head")(values)
    activation = heads.ACTIVATIONS[self.activation](name="activation")
    return activation(bits, train)
