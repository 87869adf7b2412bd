"""Convolution and pooling of SimpleNet, plain and as CPUs like them.

XLA's CPU backend spends most of a training step in three places that have
an equal but cheaper form: the weight gradient of a convolution with few input
channels, the gradient of max pooling, and window reductions. The plain forms
stand next to the CPU forms, and the tests compare them; `TRAINING_LAYERS` is
the one place that chooses, by backend.

Pooling is Caffe's (Table I): windows of 3, stride 2, no padding, and a last
window that may stick out of the image ("ceil mode"), so that even sizes are
halved exactly.
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float


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
  return means * (9 / _window_sizes(x))


def conv_max_pool(
  x: Float[Array, "n h w i"], kernel: Float[Array, "5 5 i o"]
) -> Float[Array, "n h//2 w//2 o"]:
  """Convolves, then max-pools: the first two steps of Table I."""
  return max_pool(conv(x, kernel))


_ONE_AFTER = ((0, 0), (0, 1), (0, 1), (0, 0))


def _window_sizes(x: Array) -> np.ndarray:
  """Returns how many pixels lie inside each pooling window: [1 h/2 w/2 1]."""
  rows, columns = (
    np.minimum(3, size - np.arange(0, size, 2)) for size in x.shape[1:3]
  )
  sizes = rows[:, None] * columns[None, :]
  return sizes[None, :, :, None].astype(np.float32)


class Layers(NamedTuple):
  """The three operations that SimpleNet is made of."""

  conv_max_pool: Callable[[Array, Array], Array]
  conv: Callable[[Array, Array], Array]
  avg_pool: Callable[[Array], Array]


PLAIN = Layers(conv_max_pool, conv, avg_pool)


def training_layers() -> Layers:
  """Returns the form of the layers that trains fastest on this backend."""
  if jax.default_backend() == "cpu":
    return Layers(conv_max_pool_by_parity, conv, avg_pool_by_parity)
  return PLAIN


def avg_pool_by_parity(
  x: Float[Array, "n h w c"],
) -> Float[Array, "n h//2 w//2 c"]:
  """Equals `avg_pool`: sums even, odd and next even rows, then columns."""
  rows = _next_even(_split(x, 1), 1, jnp.add, 0.0)
  sums = _next_even(_split(rows, 2), 2, jnp.add, 0.0)
  return sums / _window_sizes(x)


def conv_max_pool_by_parity(
  x: Float[Array, "n h w i"], kernel: Float[Array, "5 5 i o"]
) -> Float[Array, "n h//2 w//2 o"]:
  """Equals `conv_max_pool`, over blocks of 2 x 2 pixels as channels.

  A 5 x 5 window at each of four parities lies within 3 x 3 blocks, so the
  convolution becomes one with four times the channels on both sides, which
  CPUs run near their peak (4 i = 12 input channels instead of 3), and whose
  output already is split by parity, as pooling at stride 2 wants it.
  """
  n, h, w, _ = x.shape
  blocks = _block_conv(_to_blocks(x), _to_block_kernel(kernel))
  planes = blocks.reshape(n, h // 2, w // 2, 2, 2, kernel.shape[-1])
  rows = _next_even((planes[:, :, :, 0], planes[:, :, :, 1]), 1, *_MAXIMUM)
  return _next_even((rows[:, :, :, 0], rows[:, :, :, 1]), 2, *_MAXIMUM)


_MAXIMUM = (jnp.maximum, -jnp.inf)


def _split(x: Array, axis: int) -> tuple[Array, Array]:
  """Returns the even and the odd entries along an axis."""
  halves = x.reshape(
    *x.shape[:axis], x.shape[axis] // 2, 2, *x.shape[axis + 1 :]
  )
  even = jax.lax.index_in_dim(halves, 0, axis + 1, keepdims=False)
  odd = jax.lax.index_in_dim(halves, 1, axis + 1, keepdims=False)
  return even, odd


def _next_even(
  even_odd: tuple[Array, Array],
  axis: int,
  reduce: Callable[[Array, Array], Array],
  outside: float,
) -> Array:
  """Reduces windows of three at stride two: even, odd, and the next even."""
  even, odd = even_odd
  later = jax.lax.slice_in_dim(even, 1, even.shape[axis], axis=axis)
  padding = [(0, 0)] * even.ndim
  padding[axis] = (0, 1)
  later = jnp.pad(later, padding, constant_values=outside)
  return reduce(reduce(even, odd), later)


def _to_blocks(x: Array) -> Array:
  """Moves 2 x 2 pixels into channels: [n h w i] to [n h/2 w/2 4i]."""
  n, h, w, i = x.shape
  blocks = x.reshape(n, h // 2, 2, w // 2, 2, i).transpose(0, 1, 3, 2, 4, 5)
  return blocks.reshape(n, h // 2, w // 2, 4 * i)


def _to_block_kernel(kernel: Array) -> Array:
  """Writes a 5 x 5 kernel as 3 x 3 blocks: [5 5 i o] to [3 3 4i 4o]."""
  i, o = kernel.shape[2:]
  # Seen from a pixel of parity p, the window starts p pixels into 6 x 6.
  parities = [
    jnp.pad(kernel, ((p, 1 - p), (q, 1 - q), (0, 0), (0, 0)))
    for p in (0, 1)
    for q in (0, 1)
  ]
  blocks = jnp.stack(parities, axis=3).reshape(3, 2, 3, 2, i, 4 * o)
  return blocks.transpose(0, 2, 1, 3, 4, 5).reshape(3, 3, 4 * i, 4 * o)


def _conv3(x: Array, kernel: Array) -> Array:
  return jax.lax.conv_general_dilated(
    x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
  )


@jax.custom_vjp
def _block_conv(x: Array, kernel: Array) -> Array:
  """A 3 x 3 convolution whose weight gradient is one matrix product."""
  return _conv3(x, kernel)


def _block_conv_forward(
  x: Array, kernel: Array
) -> tuple[Array, tuple[Array, Array]]:
  return _conv3(x, kernel), (x, kernel)


def _block_conv_backward(
  saved: tuple[Array, Array], gradient: Array
) -> tuple[Array, Array]:
  x, kernel = saved
  _, h, w, i = x.shape
  padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
  shifts = [padded[:, r : r + h, c : c + w] for r in range(3) for c in range(3)]
  patches = jnp.concatenate(shifts, axis=-1).reshape(-1, 9 * i)
  for_kernel = patches.T @ gradient.reshape(-1, gradient.shape[-1])
  (for_x,) = jax.vjp(lambda x: _conv3(x, kernel), x)[1](gradient)
  return for_x, for_kernel.reshape(kernel.shape)


_block_conv.defvjp(_block_conv_forward, _block_conv_backward)
