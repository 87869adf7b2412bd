"""Neighbors by upper bounds of cosines: bounds select, exact cosines decide.

The true cosines of each point's candidates are computed. If the k-th of them
is above the bounds of all other points, the neighbors are proven. Points
without this proof are searched again by all their cosines.
"""

import numpy as np
from jaxtyping import Float32, Int, Int32

from dsth_jax.graph.exact import quantize, threads, tiles, topk

# Candidates per point: num_neighbors times the first, plus the second. With
# fewer candidates more points stay unproven.
_CANDIDATE_FACTOR, _EXTRA_CANDIDATES = 2, 8
# The number of candidates is a multiple of this: BLAS then adds up all of them
# in one way, and equal candidates have equal cosines.
_CANDIDATE_MULTIPLE = 16
# Points that decide whether bounds are worth their cost, and the share of them
# that may stay unproven: a second search costs more than the exact search.
_NUM_PROBES, _MAX_UNPROVEN = 128, 0.25
# Points whose candidates are compared at a time, which stay in the cache.
_NUM_POINTS = 16


def are_fast(
  blocks: Float32[np.ndarray, "blocks t d"], tiling: tiles.Tiling
) -> bool:
  """Returns whether bounds are faster than exact cosines for these points.

  They are not where the processor lacks products of bytes, nor where points
  are spread so evenly that few neighbors are proven. A sample of the points
  tells.
  """
  if not quantize.is_fast() or blocks.shape[2] > quantize.MAX_FEATURES:
    return False
  num_points, num_neighbors = tiling[:2]
  num_kept = _num_candidates(tiling)
  if num_kept == num_points - 1:
    return True
  rows = np.unique(np.linspace(0, num_points - 1, _NUM_PROBES).astype(np.int64))
  _, cosines = _search_all(blocks, rows, tiling, num_kept)
  points = blocks.reshape(-1, blocks.shape[2])[rows]
  errors = quantize.quantization_errors(points, quantize.step_size(blocks))
  # The errors of the other points are about those of the sample.
  bounds = cosines[:, -1] + errors + np.median(errors)
  unproven = np.mean(cosines[:, num_neighbors - 1] <= bounds)
  return bool(unproven <= _MAX_UNPROVEN)


def _num_candidates(tiling: tiles.Tiling) -> int:
  wanted = _CANDIDATE_FACTOR * tiling.num_neighbors + _EXTRA_CANDIDATES
  rounded_up = -(-wanted // _CANDIDATE_MULTIPLE) * _CANDIDATE_MULTIPLE
  return min(rounded_up, tiling.num_points - 1)


class Bounds:
  """Products of quantized points: never below the cosines."""

  dtype: type = np.int32

  def __init__(
    self, blocks: Float32[np.ndarray, "blocks t d"], tiling: tiles.Tiling
  ):
    self.num_kept = _num_candidates(tiling)
    self._tiling, self._blocks = tiling, blocks
    self._quantized, self._unit = quantize.quantize_points(blocks)
    self._product = quantize.ByteProduct()

  def write(
    self, tile: Int32[np.ndarray, "m t"], row: int, part: slice, column: int
  ) -> None:
    """Writes the bounds between a part of block `row` and block `column`."""
    left = self._quantized[row].left[part]
    self._product(left, self._quantized[column].right, tile)

  def neighbors(
    self, kept: list[topk.TopK]
  ) -> tuple[Int32[np.ndarray, "n k"], Float32[np.ndarray, "n k"]]:
    """Returns the top k candidates, searched again where they lack proof."""
    points = self._blocks.reshape(-1, self._blocks.shape[2])
    candidates = np.concatenate([block.indices for block in kept])
    bounds = np.concatenate([block.scores for block in kept])
    num_points, num_neighbors = self._tiling[:2]
    indices, similarities = _rank(points, candidates, num_neighbors)
    bound_of_others = bounds[:, -1] * np.float64(self._unit)
    is_proven = (similarities[:, -1] > bound_of_others) | (
      self.num_kept == num_points - 1
    )
    unproven = np.flatnonzero(~is_proven[:num_points])
    found = _search_all(self._blocks, unproven, self._tiling, num_neighbors)
    indices[unproven], similarities[unproven] = found
    return indices, similarities


def _rank(
  points: Float32[np.ndarray, "n d"],
  candidates: Int32[np.ndarray, "n c"],
  num_neighbors: int,
) -> tuple[Int32[np.ndarray, "n k"], Float32[np.ndarray, "n k"]]:
  """Returns the top k of each point's candidates by cosine, ties by index."""
  cosines = np.empty(candidates.shape, np.float32)

  def write(start: int) -> None:
    rows = slice(start, start + _NUM_POINTS)
    others = points[candidates[rows]]
    np.matmul(others, points[rows, :, None], out=cosines[rows, :, None])

  threads.run(write, range(0, len(points), _NUM_POINTS))
  order = np.lexsort((candidates, -cosines), axis=1)[:, :num_neighbors]
  return (
    np.take_along_axis(candidates, order, axis=1),
    np.take_along_axis(cosines, order, axis=1),
  )


def _search_all(
  blocks: Float32[np.ndarray, "blocks t d"],
  rows: Int[np.ndarray, "m"],
  tiling: tiles.Tiling,
  num_neighbors: int,
) -> tuple[Int32[np.ndarray, "m k"], Float32[np.ndarray, "m k"]]:
  """Returns the neighbors of some points by all their cosines."""
  points = blocks.reshape(-1, blocks.shape[2])
  indices = np.empty((len(rows), num_neighbors), np.int32)
  similarities = np.empty((len(rows), num_neighbors), np.float32)

  def search(part: slice) -> None:
    kept = topk.TopK(part.stop - part.start, num_neighbors, np.float32)
    for column, block in enumerate(blocks):
      start = column * tiling.side
      tile = points[rows[part]] @ block.T
      index = start + np.arange(len(block))
      is_padding = (index == rows[part, None]) | (index >= tiling.num_points)
      tile[is_padding] = topk.lowest_score(np.float32)
      found = topk.candidates(
        tile, kept.limits(), num_kept=num_neighbors, axis=1
      )
      kept.add(found.shifted(0, start))
    indices[part], similarities[part] = kept.indices, kept.scores

  threads.run(search, _parts(len(rows), tiling.side))
  return indices, similarities


def _parts(length: int, max_size: int) -> list[slice]:
  """Splits a length into parts for all cores, none above a size."""
  step = max_size * threads.num_cores()
  return [
    slice(first + part.start, first + part.stop)
    for first in range(0, length, step)
    for part in threads.split(min(step, length - first))
  ]
