"""Upper bounds of cosines choose candidates; exact cosines decide.

Of each point's candidates the true cosines are computed. If the last of the k
best is above the bound of everyone who is no candidate, no one else can be
nearer: the neighbours are proven. Points without this proof are searched again
among all cosines.
"""

import numpy as np
from jaxtyping import Float32, Int, Int32

from dsth_jax.graph.exact import quantize, threads, tiles
from dsth_jax.graph.exact.topk import Best, candidates, lowest

# Candidates a point: so many times its neighbours, and some more. With fewer,
# more points stay without a proof.
_TIMES, _MORE = 2, 8
# Their number is a multiple of this: BLAS then adds up all of them alike, and
# equal candidates have equal cosines.
_WHOLE = 16
# Points by which it is decided whether bounds are worth it, and the share of
# them that may stay open: to search again costs a point more than to begin with
# its cosines.
_PROBES, _MOST_OPEN = 128, 0.25
# Points whose candidates are looked at together, which stay in the cache.
_POINTS = 16


def are_fast(
  blocks: Float32[np.ndarray, "blocks t d"], tiling: tiles.Tiling
) -> bool:
  """Says whether bounds are faster here than the cosines themselves.

  Not where the processor has no products of bytes, and not for points so evenly
  spread that bounds prove little; some of the points tell.
  """
  if not quantize.is_fast() or blocks.shape[2] > quantize.MAX_FEATURES:
    return False
  num_points, num_neighbors = tiling[:2]
  num_kept = _num_kept(tiling)
  if num_kept == num_points - 1:
    return True
  rows = np.unique(np.linspace(0, num_points - 1, _PROBES).astype(np.int64))
  _, cosines = _among_all(blocks, rows, tiling, num_kept)
  points = blocks.reshape(-1, blocks.shape[2])[rows]
  errors = quantize.errors_of(points, quantize.step_of(blocks))
  # Others are about as wrong as these points themselves.
  at_most = cosines[:, -1] + errors + np.median(errors)
  return bool(np.mean(cosines[:, num_neighbors - 1] <= at_most) <= _MOST_OPEN)


def _num_kept(tiling: tiles.Tiling) -> int:
  """Returns how many candidates a point has."""
  wanted = _TIMES * tiling.num_neighbors + _MORE
  return min(-(-wanted // _WHOLE) * _WHOLE, tiling.num_points - 1)


class Bounds:
  """Products of points rounded to bytes: never below their cosines."""

  dtype = np.int32

  def __init__(
    self,
    blocks: Float32[np.ndarray, "blocks t d"],
    tiling: tiles.Tiling,
  ):
    self.num_kept = _num_kept(tiling)
    self._tiling, self._blocks = tiling, blocks
    self._rounded, self._step = quantize.round_points(blocks)
    self._product = quantize.Product()

  def write(
    self, tile: Int32[np.ndarray, "m t"], row: int, lines: slice, column: int
  ) -> None:
    """Writes the bounds of some points of a block with those of another."""
    left, right = self._rounded[row].left[lines], self._rounded[column].right
    self._product(left, right, tile)

  def neighbors(
    self, best: list[Best]
  ) -> tuple[Int32[np.ndarray, "n k"], Float32[np.ndarray, "n k"]]:
    """Returns the nearest candidates, and whoever is nearest without proof."""
    points = self._blocks.reshape(-1, self._blocks.shape[2])
    candidates = np.concatenate([each.indices for each in best])
    bounds = np.concatenate([each.scores for each in best])
    num_points, num_neighbors = self._tiling[:2]
    indices, similarities = _nearest(points, candidates, num_neighbors)
    others_at_most = bounds[:, -1] * np.float64(self._step)
    is_proven = (similarities[:, -1] > others_at_most) | (
      self.num_kept == num_points - 1
    )
    open_points = np.flatnonzero(~is_proven[:num_points])
    found = _among_all(self._blocks, open_points, self._tiling, num_neighbors)
    indices[open_points], similarities[open_points] = found
    return indices, similarities


def _nearest(
  points: Float32[np.ndarray, "n d"],
  candidates: Int32[np.ndarray, "n c"],
  num_neighbors: int,
) -> tuple[Int32[np.ndarray, "n k"], Float32[np.ndarray, "n k"]]:
  """Returns the best of each point's candidates, equal ones by index."""
  cosines = np.empty(candidates.shape, np.float32)

  def write_some(start: int) -> None:
    some = slice(start, start + _POINTS)
    others = points[candidates[some]]
    np.matmul(others, points[some, :, None], out=cosines[some, :, None])

  threads.at_once(write_some, range(0, len(points), _POINTS))
  order = np.lexsort((candidates, -cosines), axis=1)[:, :num_neighbors]
  return (
    np.take_along_axis(candidates, order, axis=1),
    np.take_along_axis(cosines, order, axis=1),
  )


def _among_all(
  blocks: Float32[np.ndarray, "blocks t d"],
  rows: Int[np.ndarray, "m"],
  tiling: tiles.Tiling,
  num_neighbors: int,
) -> tuple[Int32[np.ndarray, "m k"], Float32[np.ndarray, "m k"]]:
  """Returns the neighbours of some points by all their cosines."""
  points = blocks.reshape(-1, blocks.shape[2])
  indices = np.empty((len(rows), num_neighbors), np.int32)
  similarities = np.empty((len(rows), num_neighbors), np.float32)

  def search(some: slice) -> None:
    best = Best(some.stop - some.start, num_neighbors, np.float32)
    for column, block in enumerate(blocks):
      start = column * tiling.side
      tile = points[rows[some]] @ block.T
      index = start + np.arange(len(block))
      nobody = (index == rows[some, None]) | (index >= tiling.num_points)
      tile[nobody] = lowest(np.float32)
      limits = best.limits()
      found = candidates(tile, limits, num_kept=num_neighbors, axis=1)
      best.add(found.moved(0, start))
    indices[some], similarities[some] = best.indices, best.scores

  threads.at_once(search, _some(len(rows), tiling.side))
  return indices, similarities


def _some(length: int, most: int) -> list[slice]:
  """Cuts a length into parts for all cores, none above a size."""
  return [
    slice(first + part.start, first + part.stop)
    for first in range(0, length, most * threads.num_cores())
    for part in threads.parts(min(most * threads.num_cores(), length - first))
  ]
