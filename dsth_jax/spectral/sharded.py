"""A sparse matrix and vectors that are split over many devices by rows."""

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

# One block per device, each array with one row per device: the values of the
# entries, their columns, and the start of each row. JAX replaces the arrays by
# other objects while it traces.
_Block = tuple[Any, Any, Any]


@jax.tree_util.register_pytree_node_class
class SplitMatrix:
  """A square matrix split by rows; `matrix @ x` for x split in the same way.

  The rows of a device are cut into blocks, one for each device that holds a part
  of x they need. These parts visit one after another, so that a device never
  holds more than its part and a visiting one. Parts that no row needs are not
  sent: reordered points have few neighbors on other devices.

  Attributes:
    mesh: the devices.
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
    """Returns the number of rows and columns, padding included."""
    starts = self._blocks[0][2]
    size = starts.shape[0] * (starts.shape[1] - 1)
    return size, size

  def tree_flatten(self) -> tuple[tuple, tuple]:
    """Returns arrays and static parts, for JAX."""
    return (self._blocks,), (self._shifts, self.mesh)

  @classmethod
  def tree_unflatten(cls, static: tuple, arrays: tuple) -> "SplitMatrix":
    """Returns the matrix of arrays and static parts, for JAX."""
    return cls(*arrays, *static)

  def __matmul__(self, x: Float[Array, "n c"]) -> Float[Array, "n c"]:
    """Returns the product, split as x is."""
    return self._fold(
      lambda block, _, visiting: block @ visiting, x, out=sharding.SPLIT
    )

  def energies(self, x: Float[Array, "n c"]) -> Float[Array, "c"]:
    """Returns 1/2 sum_ij A_ij (x_i - x_j)^2 of every column."""

    def block_energies(
      block: sparse.BCSR,
      local: Float[Array, "m c"],
      visiting: Float[Array, "m c"],
    ) -> Float[Array, "c"]:
      return jax.lax.psum(
        _energies_between(block, local, visiting), sharding.ROWS
      )

    return self._fold(block_energies, x, out=sharding.WHOLE)

  def _fold(
    self,
    apply: Callable[[sparse.BCSR, Array, Array], Array],
    x: Array,
    *,
    out: jax.sharding.PartitionSpec,
  ) -> Array:
    """Returns the sum of a function of each block, local and visiting x."""
    num_devices = self.mesh.size

    def on_device(local: Array, blocks: tuple[_Block, ...]) -> Array:
      parts = []
      for shift, block in zip(self._shifts, blocks):
        source_to_target = [
          ((d + shift) % num_devices, d) for d in range(num_devices)
        ]
        visiting = jax.lax.ppermute(local, sharding.ROWS, source_to_target)
        # Each array has one row on this device.
        values, columns, starts = (array[0] for array in block)
        size = starts.shape[0] - 1
        matrix = sparse.BCSR((values, columns, starts), shape=(size, size))
        parts.append(apply(matrix, local, visiting))
      return functools.reduce(jnp.add, parts)

    return jax.shard_map(
      on_device, mesh=self.mesh, in_specs=sharding.SPLIT, out_specs=out
    )(x, self._blocks)


def energies(
  matrix: sparse.BCSR | SplitMatrix, x: Float[Array, "n c"]
) -> Float[Array, "c"]:
  """Returns 1/2 sum_ij A_ij (x_i - x_j)^2 of every column.

  The differences keep digits of small values that x^T L x loses.
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
  """Returns a square matrix split by rows, padded by rows of zeros."""
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
    rows = [_padded_row(part, max(longest, 1)) for part in parts]
    values, columns, starts = (
      _place(mesh, np.stack(arrays)) for arrays in zip(*rows)
    )
    blocks.append((values, columns, starts))
    shifts.append(shift)
  return SplitMatrix(tuple(blocks), tuple(shifts), mesh)


def _part(
  matrix: scipy.sparse.csr_matrix, row: int, column: int, size: int
) -> scipy.sparse.csr_matrix:
  rows = matrix[row * size : (row + 1) * size]
  return rows[:, column * size : (column + 1) * size]


def _padded_row(
  part: scipy.sparse.csr_matrix, num_entries: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns the arrays of a block; zeros in its last row pad them."""
  missing = (0, num_entries - part.nnz)
  starts = part.indptr.astype(np.int32)
  starts[-1] = num_entries
  return (
    np.pad(part.data, missing),
    np.pad(part.indices.astype(np.int32), missing),
    starts,
  )


def _place(mesh: jax.sharding.Mesh, rows: np.ndarray) -> Array:
  """Returns an array with one row on each device."""
  return sharding.place_rows(
    mesh, lambda start, size: rows[start : start + size], shape=rows.shape
  )
