"""Packed codes, and their distances and neighbors by brute force."""

import numpy as np


def random_codes(seed, num_codes, num_bytes):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (num_codes, num_bytes), dtype=np.uint8)


def all_distances(queries, database):
  bits = [
    np.unpackbits(part, axis=1).astype(int) for part in (queries, database)
  ]
  return np.abs(bits[0][:, None] - bits[1][None]).sum(2)


def nearest(queries, database, num_results):
  """Orders by (distance, index), one query at a time."""
  distances = all_distances(queries, database)
  indices = [
    sorted(range(len(row)), key=lambda j: (row[j], j))[:num_results]
    for row in distances
  ]
  return np.take_along_axis(distances, np.array(indices), 1), indices
