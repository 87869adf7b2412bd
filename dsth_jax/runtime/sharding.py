"""The one mesh: every device of every process along one axis, rows split."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Shaped

# The axis of the mesh, for collectives inside `jax.shard_map`.
ROWS = "rows"
SPLIT, WHOLE = PartitionSpec(ROWS), PartitionSpec()


def make_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
  """Returns a mesh of devices, by default all, along the axis of rows."""
  devices = jax.devices() if devices is None else devices
  return jax.make_mesh(
    (len(devices),), (ROWS,), devices=devices, axis_types=(AxisType.Auto,)
  )


def shard_rows(mesh: Mesh) -> NamedSharding:
  """Splits an array's first axis over the devices."""
  return NamedSharding(mesh, SPLIT)


def replicate(mesh: Mesh) -> NamedSharding:
  """Gives every device the whole array."""
  return NamedSharding(mesh, WHOLE)


def place_rows(
  mesh: Mesh,
  read: Callable[[int, int], np.ndarray],
  *,
  shape: tuple[int, ...],
) -> Array:
  """Returns an array whose rows are split over the devices.

  Args:
    mesh: its size divides the number of rows.
    read: `read(start, size)` returns these rows. Each process asks for those of
      only its own devices.
    shape: of the whole array.
  """

  def of_device(index: tuple[slice, ...] | None) -> np.ndarray:
    assert index is not None
    start, stop, _ = index[0].indices(shape[0])
    return read(start, stop - start)

  return jax.make_array_from_callback(shape, shard_rows(mesh), of_device)


def place_whole(mesh: Mesh, tree: Any) -> Any:
  """Gives every device the whole of all arrays, the same on each process."""

  def place(leaf: Array | np.ndarray) -> Array:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
      data = place(jax.random.key_data(leaf))
      return jax.random.wrap_key_data(data, impl=jax.random.key_impl(leaf))
    array = np.asarray(leaf)
    return jax.make_array_from_callback(
      array.shape, replicate(mesh), lambda index: array[index]
    )

  return jax.tree.map(place, tree)


def to_host(array: Array) -> Shaped[np.ndarray, "..."]:
  """Returns all of an array, also where other processes hold parts of it."""
  if array.is_fully_addressable or array.is_fully_replicated:
    return np.asarray(array)
  return np.asarray(multihost_utils.process_allgather(array, tiled=True))
