"""The encoding modules on top of a trunk, and what follows them.

A head maps the trunk's values to one real number a bit; an activation then
normalizes their distribution before the loss (paper, section III-B).
"""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


class MLPHead(nn.Module):
  """One hidden layer, fully connected (Eq. 15).

  Attributes:
    num_bits: bits of a code.
    hidden_size: width of the hidden layer.
  """

  num_bits: int
  hidden_size: int = 1024

  @nn.compact
  def __call__(self, x: Float[Array, "n d"]) -> Float[Array, "n b"]:
    """Maps the trunk's values to one number a bit."""
    hidden = nn.relu(nn.Dense(self.hidden_size, name="hidden")(x))
    return nn.Dense(self.num_bits, name="bits")(hidden)


class SliceHead(nn.Module):
  """Divide and encode: each group of hidden values gives its own bits.

  A fully connected layer with ReLU comes first. Its 1,024 values are cut into 16
  groups, and each group is mapped to num_bits / 16 bits by a layer of its own.
  The first layer is there also where the trunk has 1,024 values already, as
  SimpleNet has for 32 pixels a side: without it, a group would see only one
  sixteenth of the image.

  Attributes:
    num_bits: bits of a code, a multiple of `num_groups`.
    hidden_size: width of the hidden layer, a multiple of `num_groups`.
    num_groups: slices.

  References:
    Lai et al., Simultaneous feature learning and hash coding with deep neural
    networks, CVPR 2015; the paper, section III-B.
  """

  num_bits: int
  hidden_size: int = 1024
  num_groups: int = 16

  @nn.compact
  def __call__(self, x: Float[Array, "n d"]) -> Float[Array, "n b"]:
    """Maps the trunk's values to one number a bit."""
    check_slices(self.num_bits, self.num_groups)
    hidden = nn.relu(nn.Dense(self.hidden_size, name="hidden")(x))
    group_size = self.hidden_size // self.num_groups
    group_bits = self.num_bits // self.num_groups
    groups = hidden.reshape(-1, self.num_groups, group_size)
    kernel = self.param(
      "kernel",
      nn.initializers.lecun_normal(batch_axis=(0,)),
      (self.num_groups, group_size, group_bits),
    )
    bias = self.param("bias", nn.initializers.zeros, (self.num_bits,))
    bits = jnp.einsum("ngs,gsb->ngb", groups, kernel)
    return bits.reshape(-1, self.num_bits) + bias[None, :]


def check_slices(num_bits: int, num_groups: int) -> None:
  """Raises ValueError unless the groups share the bits evenly."""
  if num_bits % num_groups:
    raise ValueError(
      f"num_bits is {num_bits}, but the slice head gives each of its "
      f"{num_groups} groups the same number of bits: use a multiple of "
      f"{num_groups}, another num_groups, or the mlp head."
    )


HEADS: dict[str, type[nn.Module]] = {"mlp": MLPHead, "slice": SliceHead}


class BatchNormActivation(nn.Module):
  """Standardizes each bit over the batch (Eq. 19-21); nothing is learned."""

  @nn.compact
  def __call__(self, x: Float[Array, "n b"], train: bool) -> Array:
    """Standardizes by the batch in training, else by running averages."""
    norm = nn.BatchNorm(
      use_running_average=not train,
      momentum=0.9,
      use_bias=False,
      use_scale=False,
      name="norm",
    )
    return norm(x)


class Sigmoid(nn.Module):
  """The logistic function; its codes are cut at one half (Eq. 22)."""

  def __call__(self, x: Float[Array, "n b"], train: bool) -> Array:
    """Squashes into (0, 1)."""
    return nn.sigmoid(x)


class Identity(nn.Module):
  """Leaves the values as they are, for losses that bound them themselves."""

  def __call__(self, x: Float[Array, "n b"], train: bool) -> Array:
    """Returns its input."""
    return x


class ReLU(nn.Module):
  """The paper's negative result (section IV-E)."""

  def __call__(self, x: Float[Array, "n b"], train: bool) -> Array:
    """Cuts negative values."""
    return nn.relu(x)


ACTIVATIONS: dict[str, Callable[..., nn.Module]] = {
  "batchnorm": BatchNormActivation,
  "sigmoid": Sigmoid,
  "identity": Identity,
  "relu": ReLU,
}
