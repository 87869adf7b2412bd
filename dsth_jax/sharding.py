"""The one mesh: every device along one axis, rows split over it."""

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
