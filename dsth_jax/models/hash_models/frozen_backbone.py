"""A small head on the features of a backbone that is not trained."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Num

from dsth_jax.models.hash_models import heads
from dsth_jax.types import ArrayLike


def preprocess(features: Num[ArrayLike, "n d"]) -> Float[Array, "n d"]:
  """Returns the features in float32."""
  return jnp.asarray(features, jnp.float32)


class FrozenBackbone(nn.Module):
  """Fully connected layers on standardized features.

  In training each feature gets Gaussian noise, in units of its own standard
  deviation: without it, a head on a thousand features learns a few thousand
  images by heart.

  Attributes:
    num_bits: bits of a code.
    hidden_sizes: widths of the hidden layers; none is a linear head.
    activation: a name in `heads.ACTIVATIONS`.
    input_noise: standard deviation of the noise.
  """

  num_bits: int
  hidden_sizes: tuple[int, ...] = ()
  activation: str = "batchnorm"
  input_noise: float = 0.5

  @nn.compact
  def __call__(
    self, x: Float[Array, "n d"], train: bool = False
  ) -> Float[Array, "n b"]:
    """Returns one real number a bit.

    Args:
      x: features, as `preprocess` returns them.
      train: normalizes by the batch, and adds noise.
    """
    x = nn.BatchNorm(
      use_running_average=not train,
      momentum=0.9,
      use_bias=False,
      use_scale=False,
      name="standardize",
    )(x)
    if train and self.input_noise:
      noise = jax.random.normal(self.make_rng("noise"), x.shape)
      x = x + self.input_noise * noise
    for number, size in enumerate(self.hidden_sizes, start=1):
      x = nn.relu(nn.Dense(size, name=f"hidden{number}")(x))
    bits = nn.Dense(self.num_bits, name="bits")(x)
    return heads.ACTIVATIONS[self.activation](name="activation")(bits, train)
