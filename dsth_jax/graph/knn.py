"""The exact nearest neighbors of every point by cosine."""

import functools
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jax import Array
from jaxtyping import Float, Int32, Real

from dsth_jax import unit_length
from dsth_jax.graph.exact import cpu, device, sharded, tiles
from dsth_jax.types import ArrayLike


class Neighbors(NamedTuple):
  """The nearest neighbors of every point.

  Attributes:
    indices: nearest first, equal similarities by index; never the point
      itself.
    similarities: cosines, descending.
  """

  indices: Int32[Array, "n k"]
  similarities: Float[Array, "n k"]


def cosine_knn(
  features: Real[ArrayLike, "n d"],
  *,
  num_neighbors: int,
  block_size: int | None = None,
  progress: Callable[[int], None] | None = None,
  mesh: jax.sharding.Mesh | None = None,
) -> Neighbors:
  """Returns the exact k nearest neighbors of every point by cosine.

      s_ij = x_i^T x_j / (||x_i|| ||x_j||),   N_k(x_i) = top-k of s_ij, j != i

  The matrix of similarities is computed in square tiles. It is symmetric: a
  tile above the diagonal serves its rows and its columns, which saves half of
  the products. Memory: the features in float32, a few tiles, and two bytes per
  feature where a CPU multiplies bytes faster than floats.

  Args:
    features: one row per point, of any float type; a memory map will do. A row
      of zeros has no direction: its cosines count as 0, and `affinity` leaves
      it isolated.
    num_neighbors: k.
    block_size: the side of a tile; None takes the fastest.
    progress: called after each tile with the number of rows done, at last n.
      With several devices there is the last call only.
    mesh: of `sharding.make_mesh`: the points are split over its devices, each
      of which holds its part, a visiting block and one in transit; every
      process reads the rows of its devices only. None, or a mesh of one
      device, is the default device.

  Returns:
    `Neighbors(indices[n k], similarities[n k])`.

  Raises:
    ValueError: `features` is not a finite matrix of more than k rows.

  References:
    Eq. 1, N_k.
  """
  features = features if hasattr(features, "dtype") else np.asarray(features)
  if mesh is not None and mesh.size == 1:
    mesh = None
  make_search = tile_search() if mesh is None else device.DeviceSearch
  if block_size is None:
    block_size = make_search.block_size
  check(features, num_neighbors)
  if block_size < 1:
    raise ValueError(f"block_size is {block_size}: pass at least 1.")
  num_points = features.shape[0]
  if mesh is not None:
    return _over_devices(features, num_neighbors, block_size, progress, mesh)
  tiling = tiles.tiling(num_points, num_neighbors, block_size)
  starts = range(0, num_points, tiling.side)
  shape = (len(starts), tiling.side, features.shape[1])
  blocks = np.empty(shape, np.float32)
  for block, start in zip(blocks, starts):
    block[:] = unit_rows(features, start, tiling.side)
  search: tiles.TileSearch = make_search(blocks, tiling)
  # In this order each block of rows visits its columns from left to right: an
  # earlier neighbor wins a tie, and so the lower index does.
  pairs = list(itertools.combinations_with_replacement(range(len(blocks)), 2))
  for done, (row, column) in enumerate(pairs, start=1):
    search.visit(row, column)
    if progress:
      progress(num_points * done // len(pairs))
  return Neighbors(*search.neighbors())


def tile_search() -> type[cpu.CpuSearch] | type[device.DeviceSearch]:
  """Returns the tile search for this backend; no other code chooses one."""
  is_cpu = jax.default_backend() == "cpu"
  return cpu.CpuSearch if is_cpu else device.DeviceSearch


def _over_devices(
  features: ArrayLike,
  num_neighbors: int,
  block_size: int,
  progress: Callable[[int], None] | None,
  mesh: jax.sharding.Mesh,
) -> Neighbors:
  num_points = features.shape[0]
  per_device = math.ceil(num_points / mesh.size)
  tiling = tiles.tiling(per_device, num_neighbors, block_size)
  found = sharded.neighbors(
    functools.partial(unit_rows, features),
    tiling._replace(num_points=num_points),
    num_features=features.shape[1],
    mesh=mesh,
  )
  if progress:
    progress(num_points)
  return Neighbors(*found)


def unit_rows(features: ArrayLike, start: int, size: int) -> np.ndarray:
  """Returns `size` rows from `start`, of unit length; zeros past the end."""
  rows = np.asarray(features[start : start + size])
  rows = rows.astype(np.promote_types(rows.dtype, np.float32))
  # Dividing by the peak first keeps the sum of squares in the range of floats.
  peaks = np.max(np.abs(rows), axis=1, keepdims=True, initial=0.0)
  if not np.all(np.isfinite(peaks)):
    row = start + int(np.flatnonzero(~np.isfinite(peaks[:, 0]))[0])
    raise ValueError(
      f"features have a NaN or infinite value in row {row}: remove that point "
      "or repair what made it."
    )
  rows = (rows / np.where(peaks == 0, 1, peaks)).astype(np.float32)
  rows = unit_length.unit_rows(rows)
  return np.pad(rows, ((0, size - rows.shape[0]), (0, 0)))


def check(features: ArrayLike, num_neighbors: int) -> None:
  """Raises ValueError unless the points have `num_neighbors` neighbors."""
  if features.ndim != 2:
    raise ValueError(
      f"features have shape {features.shape}: pass a matrix with one row a "
      "point."
    )
  if num_neighbors < 1:
    raise ValueError(f"num_neighbors is {num_neighbors}: pass at least 1.")
  if features.shape[0] < num_neighbors + 1:
    raise ValueError(
      f"{features.shape[0]} points, need at least {num_neighbors + 1} for "
      f"{num_neighbors} neighbors each: add points or lower num_neighbors."
    )
