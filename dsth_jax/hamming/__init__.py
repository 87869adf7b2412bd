"""Exact Hamming search over packed codes: an XOR and a population count.

>>> import numpy as np
>>> database = np.array([[0b11110000], [0b11111111], [0b00000000]], np.uint8)
>>> queries = np.array([[0b11110001]], np.uint8)
>>> np.asarray(distances(queries, database)).tolist()
[[1, 3, 5]]
>>> nearest = search(queries, database, num_results=2)
>>> np.asarray(nearest.indices).tolist()
[[0, 1]]
>>> np.asarray(range_search(queries, database, radius=4).indices).tolist()
[0, 1]
"""

from dsth_jax.hamming.exact_search import (
  RangeResult,
  SearchResult,
  range_search,
  search,
)
from dsth_jax.hamming.pairwise_distances import distances

__all__ = [
  "RangeResult",
  "SearchResult",
  "distances",
  "range_search",
  "search",
]
