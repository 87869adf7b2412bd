"""The one mesh: every device along one axis, rows split over it."""

import os

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

_ROWS = "rows"


def make_mesh() -> Mesh:
  """Returns a mesh of all devices along the axis of rows."""
  return jax.make_mesh(
    (jax.device_count(),), (_ROWS,), axis_types=(AxisType.Auto,)
  )


def shard_rows(mesh: Mesh) -> NamedSharding:
  """Splits an array's first axis over the devices."""
  return NamedSharding(mesh, PartitionSpec(_ROWS))


def replicate(mesh: Mesh) -> NamedSharding:
  """Gives every device the whole array."""
  return NamedSharding(mesh, PartitionSpec())


def split_cpu(batch_size: int) -> None:
  """Makes the cores of a CPU into devices, to be called before any JAX work.

  Two devices that each run half a batch train faster than one device that
  runs each operation on two cores. The count divides the batch.
  """
  cores = len(os.sched_getaffinity(0))
  divisors = [d for d in range(1, cores + 1) if batch_size % d == 0]
  jax.config.update("jax_num_cpu_devices", divisors[-1])
