"""A sparse matrix whose rows, and the vectors it meets, lie on many devices."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jax import Array
from jax.experimental import sparse
from jaxtyping import Float

from dsth_jax.runtime import sharding

# A block of a device's rows and some device's columns, each an array with one
# line a device: the entries' values, their columns, and where each row starts.
# JAX puts other things than arrays in their places while it traces.
_Block = tuple[Any, Any, Any]


@jax.tree_util.register_pytree_node_class
class SplitMatrix:
  """A square matrix split by rows; `matrix @ x` for x split in the same way.

  A device's rows are cut into blocks, one for each device whose rows of x they
  meet. Those parts of x visit one after another, so that no device ever holds
  more than its own and a visiting one. Parts that no row needs stay at home:
  points in the order of their graph meet few others.

  Attributes:
    mesh: of the devices.
  """

  def __init__(
    self,
    blocks: tuple[_Block, ...],
    shifts: tuple[int, ...],
    mesh: jax.sharding.Mesh,
  ):
    self.mesh = mesh
    self._blocks, self._shifts = blocks, shifts

  @property
  def shape(self) -> tuple[int, int]:
    """Returns the rows and columns, those of the padding included."""
    starts = self._blocks[0][2]
    size = starts.shape[0] * (starts.shape[1] - 1)
    return size, size

  def tree_flatten(self) -> tuple[tuple, tuple]:
    """Takes apart for JAX."""
    return (self._blocks,), (self._shifts, self.mesh)

  @classmethod
  def tree_unflatten(cls, static: tuple, arrays: tuple) -> "SplitMatrix":
    """Puts together for JAX."""
    return cls(*arrays, *static)

  def __matmul__(self, x: Float[Array, "n c"]) -> Float[Array, "n c"]:
    """Returns the product, split as x is."""
    return self._fold(
      lambda block, _, visiting: block @ visiting, x, out=sharding.SPLIT
    )

  def energies(self, x: Float[Array, "n c"]) -> Float[Array, "c"]:
    """Returns 1/2 sum_ij A_ij (x_i - x_j)^2 of every column."""

    def of_block(
      block: sparse.BCSR,
      own: Float[Array, "m c"],
      visiting: Float[Array, "m c"],
    ) -> Float[Array, "c"]:
      return jax.lax.psum(
        _energies_between(block, own, visiting), sharding.ROWS
      )

    return self._fold(of_block, x, out=sharding.WHOLE)

  def _fold(
    self,
    of_block: Callable[[sparse.BCSR, Array, Array], Array],
    x: Array,
    *,
    out: jax.sharding.PartitionSpec,
  ) -> Array:
    """Adds up a function of every block, the own rows of x and the visiting."""
    num_devices = self.mesh.size

    def on_device(own: Array, blocks: tuple[_Block, ...]) -> Array:
      parts = []
      for shift, block in zip(self._shifts, blocks):
        towards_me = [
          ((d + shift) % num_devices, d) for d in range(num_devices)
        ]
        visiting = jax.lax.ppermute(own, sharding.ROWS, towards_me)
        # Of the lines, the one of this device.
        values, columns, starts = (array[0] for array in block)
        size = starts.shape[0] - 1
        matrix = sparse.BCSR((values, columns, starts), shape=(size, size))
        parts.append(of_block(matrix, own, visiting))
      return functools.reduce(jnp.add, parts)

    return jax.shard_map(
      on_device, mesh=self.mesh, in_specs=sharding.SPLIT, out_specs=out
    )(x, self._blocks)


def energies(
  matrix: sparse.BCSR | SplitMatrix, x: Float[Array, "n c"]
) -> Float[Array, "c"]:
  """Returns 1/2 sum_ij A_ij (x_i - x_j)^2 of every column.

  The differences keep the digits of small values that x^T L x loses.
  """
  if isinstance(matrix, SplitMatrix):
    return matrix.energies(x)
  return _energies_between(matrix, x, x)


def _energies_between(
  matrix: sparse.BCSR, x: Float[Array, "n c"], y: Float[Array, "m c"]
) -> Float[Array, "c"]:
  """Returns 1/2 sum_ij A_ij (x_i - y_j)^2 of every column."""
  row = (
    jnp.searchsorted(matrix.indptr, jnp.arange(matrix.nse), side="right") - 1
  )

  def energy(columns: tuple[Array, Array]) -> Float[Array, ""]:
    differences = columns[0][row] - columns[1][matrix.indices]
    return jnp.sum(matrix.data * differences**2) / 2

  return jax.lax.map(energy, (x.T, y.T))


def split(
  matrix: scipy.sparse.csr_matrix, mesh: jax.sharding.Mesh
) -> SplitMatrix:
  """Splits a square matrix, with rows of zeros where they do not divide."""
  size = -(-matrix.shape[0] // mesh.size)
  padded = matrix.copy()
  padded.resize((size * mesh.size, size * mesh.size))
  blocks, shifts = [], []
  for shift in range(mesh.size):
    parts = [
      _part(padded, device, (device + shift) % mesh.size, size)
      for device in range(mesh.size)
    ]
    longest = max(part.nnz for part in parts)
    if not longest and shift:
      continue
    lines = [_padded_line(part, max(longest, 1)) for part in parts]
    values, columns, starts = (
      _lines(mesh, np.stack(arrays)) for arrays in zip(*lines)
    )
    blocks.append((values, columns, starts))
    shifts.append(shift)
  return SplitMatrix(tuple(blocks), tuple(shifts), mesh)


def _part(
  matrix: scipy.sparse.csr_matrix, row: int, column: int, size: int
) -> scipy.sparse.csr_matrix:
  rows = matrix[row * size : (row + 1) * size]
  return rows[:, column * size : (column + 1) * size]


def _padded_line(
  part: scipy.sparse.csr_matrix, num_entries: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns a block's arrays; the last row takes zeros until it is full."""
  missing = (0, num_entries - part.nnz)
  starts = part.indptr.astype(np.int32)
  starts[-1] = num_entries
  return (
    np.pad(part.data, missing),
    np.pad(part.indices.astype(np.int32), missing),
    starts,
  )


def _lines(mesh: jax.sharding.Mesh, lines: np.ndarray) -> Array:
  """Gives each device its line."""
  return sharding.place_rows(
    mesh, lambda start, size: lines[start : start + size], shape=lines.shape
  )
