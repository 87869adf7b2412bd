"""A small head on the features of a backbone that is not trained."""

import functools

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


class Rescale(nn.Module):
  """Divides all features by one number, the root of their mean square.

  What varies much and what varies little stay apart, which standardizing each
  feature would change.
  """

  @nn.compact
  def __call__(
    self, x: Float[Array, "n d"], train: bool
  ) -> Float[Array, "n d"]:
    """Rescales by the batch in training, else by a running average."""
    average = self.variable("batch_stats", "mean_square", jnp.ones, ())
    mean_square = average.value
    if train:
      mean_square = jnp.mean(jnp.square(x))
      average.value = 0.9 * average.value + 0.1 * mean_square
    return x * jax.lax.rsqrt(mean_square + 1e-12)


class FrozenBackbone(nn.Module):
  """Fully connected layers on standardized or rescaled features.

  In training each feature gets Gaussian noise, in units of its own standard
  deviation: without it, a head on a thousand features learns a few thousand
  images by heart.

  Attributes:
    num_bits: bits of a code.
    hidden_sizes: widths of the hidden layers; none is a linear head.
    activation: a name in `heads.ACTIVATIONS`.
    input_noise: standard deviation of the noise.
    standardize_each: standardizes each feature; otherwise all are divided by
      one number.
    initial_variance: of the layers' outputs, for inputs of variance 1.
  """

  num_bits: int
  hidden_sizes: tuple[int, ...] = ()
  activation: str = "batchnorm"
  input_noise: float = 0.5
  standardize_each: bool = True
  initial_variance: float = 1.0

  @nn.compact
  def __call__(
    self, x: Float[Array, "n d"], train: bool = False
  ) -> Float[Array, "n b"]:
    """Returns one real number a bit.

    Args:
      x: features, as `preprocess` returns them.
      train: normalizes by the batch, and adds noise.
    """
    if self.standardize_each:
      x = nn.BatchNorm(
        use_running_average=not train,
        momentum=0.9,
        use_bias=False,
        use_scale=False,
        name="standardize",
      )(x)
    else:
      x = Rescale(name="rescale")(x, train)
    if train and self.input_noise:
      noise = jax.random.normal(self.make_rng("noise"), x.shape)
      x = x + self.input_noise * noise
    init = nn.initializers.variance_scaling(
      self.initial_variance, "fan_in", "truncated_normal"
    )
    dense = functools.partial(nn.Dense, kernel_init=init)
    for number, size in enumerate(self.hidden_sizes, start=1):
      x = nn.relu(dense(size, name=f"hidden{number}")(x))
    bits = dense(self.num_bits, name="bits")(x)
    return heads.ACTIVATIONS[self.activation](name="activation")(bits, train)
