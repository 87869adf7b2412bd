"""Programs for several devices before they are compiled, and their memory."""

import jax
import jax.numpy as jnp
from support import neighbor_graphs

from dsth_jax import graph, metrics
from dsth_jax.graph.exact import sharded, tiles
from dsth_jax.hamming import sharded as sharded_search
from dsth_jax.runtime import sharding
from dsth_jax.spectral import eigenmaps, normalized_laplacian, solvers


def lower_graph(
  mesh: jax.sharding.Mesh,
  num_points: int,
  *,
  num_features: int = 256,
  block_size: int = 512,
) -> jax.stages.Lowered:
  """Returns the search for neighbors, before it is compiled."""
  tiling = tiles.tiling(num_points // mesh.size, 12, block_size)
  per_device = tiling.side * -(-num_points // tiling.side // mesh.size)
  rows = jax.ShapeDtypeStruct(
    (per_device * mesh.size, num_features),
    jnp.float32,
    sharding=sharding.shard_rows(mesh),
  )
  tiling = tiling._replace(num_points=num_points)
  return sharded.search.lower(rows, tiling=tiling, mesh=mesh)


def lower_eigensolver(
  mesh: jax.sharding.Mesh, num_points: int, *, num_components: int = 48
) -> jax.stages.Lowered:
  """Returns the Chebyshev solver, before it is compiled."""
  neighbors = graph.cosine_knn(
    neighbor_graphs.points_on_a_ring(num_points), num_neighbors=8
  )
  affinity, _ = eigenmaps.linked_points(graph.affinity(neighbors))
  component = graph.connected_components(affinity).component
  system = normalized_laplacian.make_system(affinity, component)
  system = normalized_laplacian.split(system, mesh)
  key = jax.random.key(0)
  start = eigenmaps.initial_vectors(
    key, system, num_points, num_components=num_components, mesh=mesh
  )
  return solvers.chebyshev.lower(
    system, start, 1e-5, max_iters=100, num_wanted=num_components
  )


def lower_search(
  mesh: jax.sharding.Mesh, size: int, *, tile: int = 4096
) -> jax.stages.Lowered:
  """Returns the search of 64 codes of 64 bits, before it is compiled."""
  rows, whole = sharding.shard_rows(mesh), sharding.replicate(mesh)
  return sharded_search.search_block.lower(
    _struct((64, 8), jnp.uint8, whole),
    _struct((size, 8), jnp.uint8, rows),
    _struct((), jnp.int32, whole),
    num_results=10,
    tile=tile,
    mesh=mesh,
  )


def lower_evaluation(
  mesh: jax.sharding.Mesh, size: int, *, tile: int = 4096
) -> jax.stages.Lowered:
  """Returns the counting of 64 codes' distances, before it is compiled."""
  rows, whole = sharding.shard_rows(mesh), sharding.replicate(mesh)
  return metrics.sharded.count.lower(
    _struct((64, 8), jnp.uint8, whole),
    _struct((64,), jnp.int32, whole),
    _struct((size, 8), jnp.uint8, rows),
    _struct((size,), jnp.int32, rows),
    _struct((size,), jnp.bool_, rows),
    tile=tile,
    mesh=mesh,
  )


def _struct(
  shape: tuple[int, ...], dtype: type, placed: jax.sharding.Sharding
) -> jax.ShapeDtypeStruct:
  return jax.ShapeDtypeStruct(shape, dtype, sharding=placed)


def device_bytes(lowered: jax.stages.Lowered) -> int:
  """Returns the bytes on a device: arguments, results and temporary arrays."""
  memory = lowered.compile().memory_analysis()
  return (
    memory.argument_size_in_bytes
    + memory.output_size_in_bytes
    + memory.temp_size_in_bytes
  )
