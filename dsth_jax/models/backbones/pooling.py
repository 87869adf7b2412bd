"""Pools of torchvision's networks, in a form that the ONNX export knows."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float


def max_pool(
  x: Float[Array, "n h w c"],
  size: int,
  stride: int,
  *,
  before: int = 0,
  ceil: bool = False,
) -> Float[Array, "n p q c"]:
  """Takes the maximum of square windows.

  Args:
    x: not negative, as behind a ReLU: what is padded is zero.
    size: of a window.
    stride: between windows.
    before: zeros on each of the four sides.
    ceil: a last window may stick out of the image ("ceil mode").
  """
  after = [
    before + _missing(length, size, stride, before) * ceil
    for length in x.shape[1:3]
  ]
  padding = [(0, 0), *((before, each) for each in after), (0, 0)]
  padded = jnp.pad(x, padding) if before or any(after) else x
  return nn.max_pool(
    padded,
    window_shape=(size, size),
    strides=(stride, stride),
    padding="VALID",
  )


def _missing(length: int, size: int, stride: int, before: int) -> int:
  """Returns how far the last window of a ceil-mode pool sticks out."""
  return -(length + 2 * before - size) % stride


def adaptive_mean(
  x: Float[Array, "n h w c"], size: int
) -> Float[Array, "n size size c"]:
  """Takes means over size x size windows that cover the image evenly.

  Window i of a side of h pixels begins at floor(i h / size) and ends before
  ceil((i + 1) h / size), as in PyTorch; the identity where h is `size`.
  """
  height, width = x.shape[1:3]
  if height != size:
    x = jnp.einsum("ph,nhwc->npwc", _windows(height, size), x)
  if width != size:
    x = jnp.einsum("qw,nhwc->nhqc", _windows(width, size), x)
  return x


def _windows(length: int, size: int) -> Float[np.ndarray, "size length"]:
  """Returns one row of weights a window."""
  weights = np.zeros((size, length), np.float32)
  for window in range(size):
    first = window * length // size
    end = -(-(window + 1) * length // size)
    weights[window, first:end] = 1 / (end - first)
  return weights
