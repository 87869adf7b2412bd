"""The exact cosine neighbor graph against faiss's IndexFlatIP.

    python -m benchmarks.graph --sizes=50000 --dims=256,1280

`--growth` measures larger sizes, dsth_jax only, and fits the exponent.
"""

import os
from collections.abc import Callable, Iterator

import numpy as np
from absl import flags

from benchmarks import command, limits, timing
from benchmarks.points import clustered
from dsth_jax import graph

_SIZES = flags.DEFINE_list("sizes", ["50000"], "Points.")
_DIMS = flags.DEFINE_list("dims", ["256", "1280"], "Features a point.")
_FEATURES = flags.DEFINE_string(
  "features", "", "A .npy of features in place of synthetic ones of --dims."
)
_NEIGHBORS = flags.DEFINE_integer("num_neighbors", 12, "Neighbors per point.")
_GROWTH = flags.DEFINE_list(
  "growth", [], "Sizes at 256 features, dsth_jax only."
)
_REPEATS = flags.DEFINE_integer("repeats", 3, "Repetitions; each takes long.")


def measure() -> Iterator[timing.Row]:
  """Yields a row a method and problem, then one a size of the growth."""
  if _FEATURES.value:
    features = np.load(_FEATURES.value)[: int(_SIZES.value[0])]
    yield from _against_faiss(features - features.mean(0))
  else:
    for size in map(int, _SIZES.value):
      for dims in map(int, _DIMS.value):
        yield from _against_faiss(clustered(size, dims))
  sizes = [int(size) for size in _GROWTH.value]
  yield from timing.growth("dsth_jax, 256 features", sizes, _prepare)


def _against_faiss(features: np.ndarray) -> Iterator[timing.Row]:
  import faiss

  num_points, dims = features.shape
  k = _NEIGHBORS.value
  unit = features / np.linalg.norm(features, axis=1, keepdims=True)
  index = faiss.IndexFlatIP(dims)
  index.add(unit)
  found = {}

  def ours() -> None:
    neighbors = graph.cosine_knn(features, num_neighbors=k)
    found["ours"] = np.asarray(neighbors.similarities)

  def peer() -> None:
    # The point itself is among the results.
    found["peer"] = index.search(unit, k + 1)[0][:, 1:]

  calls = {"dsth_jax": ours, "faiss IndexFlatIP": peer}
  times = timing.in_turn(calls, repeats=_REPEATS.value)
  error = np.max(np.abs(found["ours"] - found["peer"]))
  for method, seconds in times.items():
    # All n^2 products are credited to both, however they are found.
    gflops = 2 * num_points**2 * dims / 1e9 / seconds.median
    yield timing.Row(
      f"{num_points:,} x {dims}, k = {k}",
      method,
      seconds,
      rate=f"{gflops:.0f} GFLOP/s for n x n products",
      of_limit=f"{gflops / limits.gemm_gflops():.2f}",
      quality=f"similarities differ by {error:.0e} at most",
    )


def _prepare(
  num_points: int,
) -> tuple[Callable[[], graph.Neighbors], Callable[[graph.Neighbors], str]]:
  features = clustered(num_points, 256)
  k = _NEIGHBORS.value

  def check(neighbors: graph.Neighbors) -> str:
    """Compares the last point's neighbors with all its cosines."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    nearest = np.sort(unit[:-1] @ unit[-1])[::-1][:k]
    error = np.max(np.abs(nearest - np.asarray(neighbors.similarities)[-1]))
    return f"the last point's similarities within {error:.0e}"

  return lambda: graph.cosine_knn(features, num_neighbors=k), check


def choose_faiss_kernel() -> None:
  """Keeps the wheel's OpenBLAS from an SSE kernel on new AMD processors."""
  try:
    with open("/proc/cpuinfo", encoding="ascii") as cpuinfo:
      wide = "avx512f" in cpuinfo.read()
  except OSError:
    return
  os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX" if wide else "Haswell")


if __name__ == "__main__":
  choose_faiss_kernel()
  command.run(measure)
