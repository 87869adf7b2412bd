"""SimpleNet's layers in the form in which CPUs train them fastest.

XLA's CPU backend spends most of a training step in the weight gradients of its
convolutions, in the gradient of max pooling, and in window reductions. Here
convolutions are one matrix product a direction, and pooling works on whole
planes of even and odd pixels. The tests compare each form with the plain one
of `dsth_jax.models.hash_models.layers`, values and gradients.

What the products read is laid out by slicing a padded copy: the barriers keep
XLA from fusing the padding into the copies, which makes them several times
slower.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

_settled = jax.lax.optimization_barrier


def avg_pool(x: Float[Array, "n h w c"]) -> Float[Array, "n h//2 w//2 c"]:
  """Sums even, odd and next even rows, then columns, and divides."""
  return _sum_by_three(_sum_by_three(x, 1), 2) / window_sizes(x)


def window_sizes(x: Array) -> np.ndarray:
  """Returns how many pixels lie inside each pooling window: [1 h/2 w/2 1]."""
  rows, columns = (
    np.minimum(3, size - np.arange(0, size, 2)) for size in x.shape[1:3]
  )
  sizes = rows[:, None] * columns[None, :]
  return sizes[None, :, :, None].astype(np.float32)


def _sum_by_three(x: Array, axis: int) -> Array:
  """Sums windows of three at stride two; the last may stick out."""
  size = x.shape[axis] // 2
  halves = x.reshape(*x.shape[:axis], size, 2, *x.shape[axis + 1 :])
  even = jax.lax.index_in_dim(halves, 0, axis + 1, keepdims=False)
  odd = jax.lax.index_in_dim(halves, 1, axis + 1, keepdims=False)
  later = jax.lax.slice_in_dim(even, 1, size, axis=axis)
  after = [(0, int(i == axis)) for i in range(even.ndim)]
  return even + odd + jnp.pad(later, after)


@jax.custom_vjp
def conv(
  x: Float[Array, "n h w i"], kernel: Float[Array, "5 5 i o"]
) -> Float[Array, "n h w o"]:
  """Convolves by one product for all five rows of the kernel.

  The five columns of a window lie side by side as channels; the product gives
  what each row of pixels adds to the five rows of outputs around it.
  """
  return _conv_forward(x, kernel)[0]


def _conv_forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
  n, h, w, _ = x.shape
  around = _settled(jnp.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))))
  shifts = [around[:, :, column : column + w] for column in range(5)]
  columns = _settled(jnp.concatenate(shifts, axis=-1))
  parts = _settled(_product(columns, _by_columns_and_rows(kernel)))
  parts = parts.reshape(n, h + 4, w, 5, kernel.shape[-1])
  rows = [parts[:, row : row + h, :, row] for row in range(5)]
  return sum(rows[1:], rows[0]), (columns, kernel)


def _conv_backward(
  saved: tuple[Array, Array], gradient: Array
) -> tuple[Array, Array]:
  columns, kernel = saved
  n, h, w, o = gradient.shape
  shifts = [
    _settled(jnp.pad(gradient, ((0, 0), (row, 4 - row), (0, 0), (0, 0))))
    for row in range(5)
  ]
  rows = _settled(jnp.concatenate(shifts, axis=-1))
  flat = columns.reshape(-1, columns.shape[-1])
  for_kernel = flat.T @ rows.reshape(-1, 5 * o)
  parts = _product(rows[:, 2:-2], _by_columns_and_rows(kernel).T)
  parts = parts.reshape(n, h, w, 5, kernel.shape[2])
  around = ((0, 0), (0, 0), (2, 2), (0, 0), (0, 0))
  parts = _settled(jnp.pad(parts, around))
  # Output column c adds to the pixels c - 2 to c + 2.
  for_x = [parts[:, :, 4 - c : 4 - c + w, c] for c in range(5)]
  return sum(for_x[1:], for_x[0]), _by_rows_and_columns(for_kernel, kernel)


conv.defvjp(_conv_forward, _conv_backward)


def _product(x: Array, matrix: Array) -> Array:
  """Multiplies the channels by a matrix, as one two-dimensional product."""
  return (x.reshape(-1, x.shape[-1]) @ matrix).reshape(*x.shape[:-1], -1)


def _by_columns_and_rows(kernel: Array) -> Array:
  """Reorders a kernel: [row column i o] to [(column i) (row o)]."""
  _, _, i, o = kernel.shape
  return kernel.transpose(1, 2, 0, 3).reshape(5 * i, 5 * o)


def _by_rows_and_columns(matrix: Array, kernel: Array) -> Array:
  """Undoes `_by_columns_and_rows`."""
  _, _, i, o = kernel.shape
  return matrix.reshape(5, i, 5, o).transpose(2, 0, 1, 3)


def conv_max_pool(
  x: Float[Array, "n h w i"], kernel: Float[Array, "5 5 i o"]
) -> Float[Array, "n h//2 w//2 o"]:
  """Convolves over blocks of 2 x 2 pixels as channels, then pools.

  A 5 x 5 window at each of four parities lies within 3 x 3 blocks, so the
  convolution becomes one of 4 i = 12 channels instead of 3, whose output is
  already split into the planes that pooling at stride 2 wants.
  """
  n, h, w, _ = x.shape
  planes = _product(_block_windows(x), _block_kernel(kernel))
  return _max_of_planes(planes.reshape(n, h // 2, w // 2, 4, -1))


def _block_windows(x: Array) -> Array:
  """Returns the 3 x 3 blocks around each block: [n h w i] to [n h/2 w/2 36i]."""
  n, h, w, i = x.shape
  h, w = h // 2, w // 2
  blocks = x.reshape(n, h, 2, w, 2, i).transpose(0, 1, 3, 2, 4, 5)
  blocks = blocks.reshape(n, h, w, 4 * i)
  around = _settled(jnp.pad(blocks, ((0, 0), (1, 1), (1, 1), (0, 0))))
  shifts = [around[:, r : r + h, c : c + w] for r in range(3) for c in range(3)]
  return _settled(jnp.concatenate(shifts, axis=-1))


def _block_kernel(kernel: Array) -> Array:
  """Writes a 5 x 5 kernel for block windows: [5 5 i o] to [36i 4o]."""
  i, o = kernel.shape[2:]
  # Seen from a pixel of parity p, the window starts p pixels into 6 x 6.
  parities = [
    jnp.pad(kernel, ((p, 1 - p), (q, 1 - q), (0, 0), (0, 0)))
    for p in (0, 1)
    for q in (0, 1)
  ]
  blocks = jnp.stack(parities, axis=3).reshape(3, 2, 3, 2, i, 4 * o)
  return blocks.transpose(0, 2, 1, 3, 4, 5).reshape(36 * i, 4 * o)


# The planes of a pooling window, and how many blocks further on each lies:
# plane 2 p + q holds the pixels of row parity p and column parity q.
_WINDOW = (
  (0, 0, 0),
  (1, 0, 0),
  (0, 0, 1),
  (2, 0, 0),
  (3, 0, 0),
  (2, 0, 1),
  (0, 1, 0),
  (1, 1, 0),
  (0, 1, 1),
)


@jax.custom_vjp
def _max_of_planes(
  planes: Float[Array, "n h w 4 o"],
) -> Float[Array, "n h w o"]:
  """Takes the maximum of 3 x 3 pixels at stride 2, the last sticking out."""
  return functools.reduce(jnp.maximum, _window_values(planes))


def _window_values(planes: Array) -> list[Array]:
  """Returns the nine pixels of every window, as nine arrays."""
  _, h, w, _, _ = planes.shape
  after = ((0, 0), (0, 1), (0, 1), (0, 0), (0, 0))
  padded = _settled(jnp.pad(planes, after, constant_values=-jnp.inf))
  return [padded[:, i : i + h, j : j + w, plane] for plane, i, j in _WINDOW]


def _max_forward(planes: Array) -> tuple[Array, tuple[Array, Array]]:
  largest = _max_of_planes(planes)
  return largest, (planes, largest)


def _max_backward(saved: tuple[Array, Array], gradient: Array) -> tuple[Array]:
  """Shares each window's gradient evenly among the pixels that are largest."""
  planes, largest = saved
  _, h, w, _, _ = planes.shape
  hits = [value == largest for value in _window_values(planes)]
  share = gradient / sum(hit.astype(gradient.dtype) for hit in hits)
  before = ((0, 0), (1, 0), (1, 0), (0, 0))
  largest = _settled(jnp.pad(largest, before, constant_values=jnp.inf))
  share = _settled(jnp.pad(share, before))
  grads = [jnp.zeros((), gradient.dtype)] * 4
  for plane, i, j in _WINDOW:
    window = slice(1 - i, 1 - i + h), slice(1 - j, 1 - j + w)
    is_largest = planes[:, :, :, plane] == largest[:, *window]
    grads[plane] += jnp.where(is_largest, share[:, *window], 0.0)
  return (jnp.stack(grads, axis=3),)


_max_of_planes.defvjp(_max_forward, _max_backward)
