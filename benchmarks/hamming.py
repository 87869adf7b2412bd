"""Exact Hamming search against faiss's IndexBinaryFlat.

python -m benchmarks.hamming --sizes=1000000,10000000 --num_queries=1000
"""

from collections.abc import Iterator

import numpy as np
from absl import flags

from benchmarks import command, timing
from dsth_jax import hamming

_SIZES = flags.DEFINE_list("sizes", ["1000000", "10000000"], "Database rows.")
_BITS = flags.DEFINE_list("bits", ["48", "64"], "Bits of a code.")
_QUERIES = flags.DEFINE_integer("num_queries", 1000, "Queries of a search.")
_RESULTS = flags.DEFINE_list("num_results", ["10", "100"], "Results a query.")
_REPEATS = flags.DEFINE_integer("repeats", 2, "Repetitions of a search.")


def measure() -> Iterator[timing.Row]:
  """Yields a row a method, size, width and number of results."""
  for size in map(int, _SIZES.value):
    for bits in map(int, _BITS.value):
      for num_results in map(int, _RESULTS.value):
        yield from _search(size, bits, num_results)


def _search(size: int, bits: int, num_results: int) -> Iterator[timing.Row]:
  import faiss

  rng = np.random.default_rng(0)
  database = rng.integers(0, 256, (size, bits // 8), dtype=np.uint8)
  queries = rng.integers(0, 256, (_QUERIES.value, bits // 8), dtype=np.uint8)
  found = {}

  def ours() -> None:
    result = hamming.search(queries, database, num_results=num_results)
    found["ours"] = np.asarray(result.distances)

  calls = {"dsth_jax": ours}
  # faiss's kernel for 48 bits is slow: its 64-bit one is given zeros as well.
  for width in sorted({bits, 64}):
    padding = ((0, 0), (0, (width - bits) // 8))
    index = faiss.IndexBinaryFlat(width)
    index.add(np.pad(database, padding))
    padded = np.pad(queries, padding)

    def peer(index=index, padded=padded, width=width) -> None:
      found[width] = index.search(padded, num_results)[0]

    calls[f"faiss IndexBinaryFlat, {width} bits"] = peer
  times = timing.in_turn(calls, repeats=_REPEATS.value)
  equal = all(np.array_equal(found["ours"], each) for each in found.values())
  for method, seconds in times.items():
    pairs = _QUERIES.value * size
    yield timing.Row(
      f"{_QUERIES.value:,} queries, {size:,} x {bits} bits, top {num_results}",
      method,
      seconds,
      rate=f"{1e9 * seconds.median / pairs:.3f} ns a pair",
      quality="distances equal" if equal else "DISTANCES DIFFER",
    )


if __name__ == "__main__":
  command.run(measure)
