"""Convolution and pooling of SimpleNet, for inference and for GPUs and TPUs.

`training_layers` is the one place that chooses, by backend, between these and
the equal forms of `dsth_jax.models.hash_models.cpu_layers`.

Pooling is Caffe's (Table I): windows of 3, stride 2, no padding, and a last
window that may stick out of the image ("ceil mode"), so that even sizes are
halved exactly.
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from dsth_jax.models.hash_models import cpu_layers


def conv(
  x: Float[Array, "n h w i"], kernel: Float[Array, "5 5 i o"]
) -> Float[Array, "n h w o"]:
  """Convolves with stride 1 and padding 2 (Table I)."""
  return jax.lax.conv_general_dilated(
    x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
  )


def max_pool(x: Float[Array, "n h w c"]) -> Float[Array, "n h//2 w//2 c"]:
  """Takes the maximum of 3 x 3 windows at stride 2, ceil mode."""
  padded = jnp.pad(x, _ONE_AFTER, constant_values=-jnp.inf)
  return nn.max_pool(
    padded, window_shape=(3, 3), strides=(2, 2), padding="VALID"
  )


def avg_pool(x: Float[Array, "n h w c"]) -> Float[Array, "n h//2 w//2 c"]:
  """Takes the mean of 3 x 3 windows at stride 2, ceil mode.

  A window that sticks out of the image divides by the pixels inside it.
  """
  padded = jnp.pad(x, _ONE_AFTER)
  means = nn.avg_pool(
    padded, window_shape=(3, 3), strides=(2, 2), padding="VALID"
  )
  return means * (9 / cpu_layers.window_sizes(x))


def conv_max_pool(
  x: Float[Array, "n h w i"], kernel: Float[Array, "5 5 i o"]
) -> Float[Array, "n h//2 w//2 o"]:
  """Convolves, then max-pools: the first two steps of Table I."""
  return max_pool(conv(x, kernel))


_ONE_AFTER = ((0, 0), (0, 1), (0, 1), (0, 0))


class Layers(NamedTuple):
  """The three operations that SimpleNet is made of."""

  conv_max_pool: Callable[[Array, Array], Array]
  conv: Callable[[Array, Array], Array]
  avg_pool: Callable[[Array], Array]


PLAIN = Layers(conv_max_pool, conv, avg_pool)


def training_layers() -> Layers:
  """Returns the form of the layers that trains fastest on this backend."""
  if jax.default_backend() == "cpu":
    return Layers(
      cpu_layers.conv_max_pool, cpu_layers.conv, cpu_layers.avg_pool
    )
  return PLAIN
