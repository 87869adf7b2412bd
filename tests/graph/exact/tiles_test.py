"""What the tiles of a search need: memory and compilations."""

import jax
import jax.numpy as jnp
from support.neighbor_graphs import normal_features

from dsth_jax import graph
from dsth_jax.graph import knn
from dsth_jax.graph.exact import device, tiles


def test_memory_is_that_of_tiles():
  side, num_features = 512, 16
  points = jax.ShapeDtypeStruct((side, num_features), jnp.float32)
  tile = jax.ShapeDtypeStruct((side, side), jnp.float32)
  index = jax.ShapeDtypeStruct((), jnp.int32)
  found = jax.eval_shape(lambda: tiles.no_neighbors(side, 12))
  programs = [tiles.similarities.lower(points, points, index, index, index)]
  programs += [
    tiles.merge.lower(found, tile, index, chunk=4, axis=axis) for axis in (0, 1)
  ]
  for program in programs:
    memory = program.compile().memory_analysis()
    used = memory.temp_size_in_bytes + memory.output_size_in_bytes
    # The tile and a few arrays of its size; no array depends on n.
    assert used < 3 * 4 * side**2


def test_one_compilation_for_all_tiles(monkeypatch):
  monkeypatch.setattr(knn, "tile_search", lambda: device.DeviceSearch)
  tiles.merge.clear_cache()
  tiles.similarities.clear_cache()
  for block_size in (33, 34):  # 5 tiles a side of 30: the sides agree.
    graph.cosine_knn(normal_features(), num_neighbors=6, block_size=block_size)
  # For rows and for columns.
  assert tiles.merge._cache_size() == 2
  assert tiles.similarities._cache_size() == 1
