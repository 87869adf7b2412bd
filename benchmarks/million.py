"""A million points through graph, eigenproblem and labels, in memory.

    python -m benchmarks.million --num_points=1000000 --num_bits=64

Every row reports the peak memory of the process so far.
"""

import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from absl import flags

from benchmarks import command, timing
from benchmarks.points import clustered
from dsth_jax import codes, graph, spectral

_POINTS = flags.DEFINE_integer("num_points", 1_000_000, "Points.")
_FEATURES = flags.DEFINE_integer("num_features", 256, "Features a point.")
_NEIGHBORS = flags.DEFINE_integer("num_neighbors", 12, "Neighbors per point.")
_BITS = flags.DEFINE_integer("num_bits", 64, "Bits of a code.")


def measure() -> Iterator[timing.Row]:
  """Yields a row a stage."""
  key = jax.random.key(0)
  features, row = _row(
    "synthetic features", lambda: clustered(_POINTS.value, _FEATURES.value)
  )
  yield row

  neighbors, row = _row(
    "approximate graph",
    lambda: graph.approximate_cosine_knn(
      features, num_neighbors=_NEIGHBORS.value, key=key
    ),
  )
  recall = graph.recall(features, neighbors, key=key)
  yield row._replace(quality=f"recall {recall:.3f}; {row.quality}")

  affinity, row = _row("affinity", lambda: graph.affinity(neighbors))
  parts = graph.connected_components(affinity).num_components
  yield row._replace(quality=f"{parts} components; {row.quality}")

  embedding, row = _row(
    f"eigenproblem, {_BITS.value} pairs",
    lambda: spectral.laplacian_eigenmaps(
      affinity, num_components=_BITS.value, key=key
    ),
  )
  residual = float(np.max(embedding.residuals))
  yield row._replace(quality=f"residual {residual:.0e}; {row.quality}")

  rotation, row = _row(
    "labels",
    lambda: codes.diffusion_rotation(
      embedding, diffusion_time=8.0, num_iters=50, key=key
    ),
  )
  bits = np.asarray(rotation.values) >= 0
  balance = np.abs(bits.mean(0) - 0.5).max()
  yield row._replace(
    quality=f"bits within {balance:.2f} of half ones; {row.quality}"
  )


def _row(stage: str, make: Callable[[], Any]) -> tuple[Any, timing.Row]:
  start = time.perf_counter()
  made = jax.block_until_ready(make())
  seconds = time.perf_counter() - start
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
  row = timing.Row(
    f"{_POINTS.value:,} x {_FEATURES.value}: {stage}",
    "dsth_jax, with compilation",
    timing.Times(seconds, seconds, seconds),
    quality=f"peak memory {peak:.1f} GiB",
  )
  return made, row


if __name__ == "__main__":
  command.run(measure)
