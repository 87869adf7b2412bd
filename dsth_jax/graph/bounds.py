"""Upper bounds of cosines choose candidates; exact cosines decide.

Of each point's candidates the true cosines are computed. If the last of the k
best is above the bound of everyone who is no candidate, no one else can be
nearer: the neighbours are proven. The few points without this proof are
searched again among all cosines.
"""

from concurrent import futures

import numpy as np
from jaxtyping import Float32, Int, Int32

from dsth_jax.graph import rounded, whole_tile
from dsth_jax.graph.best import Best, candidates, lowest

# Candidates a point: so many times its neighbours, and some more. With fewer,
# more points stay without a proof.
_TIMES, _MORE = 2, 8
# Points whose candidates are looked at together, which stay in the cache.
_POINTS = 16


def are_fast(num_features: int) -> bool:
  """Says whether bounds are faster than the cosines themselves."""
  return rounded.is_fast() and num_features <= rounded.MAX_FEATURES


class Bounds:
  """Products of points rounded to bytes: never below their cosines."""

  dtype = np.int32

  def __init__(
    self,
    blocks: Float32[np.ndarray, "blocks t d"],
    tiling: whole_tile.Tiling,
  ):
    self.num_kept = min(
      _TIMES * tiling.num_neighbors + _MORE, tiling.num_points - 1
    )
    self._tiling, self._blocks = tiling, blocks
    self._rounded, self._step = rounded.round_points(blocks)
    self._product = rounded.Product()

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
    for start in range(0, len(open_points), self._tiling.side):
      rows = open_points[start : start + self._tiling.side]
      found = _among_all(self._blocks, rows, self._tiling)
      indices[rows], similarities[rows] = found
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

  with futures.ThreadPoolExecutor() as threads:
    for _ in threads.map(write_some, range(0, len(points), _POINTS)):
      pass
  order = np.lexsort((candidates, -cosines), axis=1)[:, :num_neighbors]
  return (
    np.take_along_axis(candidates, order, axis=1),
    np.take_along_axis(cosines, order, axis=1),
  )


def _among_all(
  blocks: Float32[np.ndarray, "blocks t d"],
  rows: Int[np.ndarray, "m"],
  tiling: whole_tile.Tiling,
) -> tuple[Int32[np.ndarray, "m k"], Float32[np.ndarray, "m k"]]:
  """Returns the neighbours of some points by all their cosines."""
  points = blocks.reshape(-1, blocks.shape[2])[rows]
  best = Best(len(rows), tiling.num_neighbors, np.float32)
  for column, block in enumerate(blocks):
    start = column * tiling.side
    tile = points @ block.T
    index = start + np.arange(len(block))
    nobody = (index == rows[:, None]) | (index >= tiling.num_points)
    tile[nobody] = lowest(np.float32)
    found = candidates(
      tile, best.limits(), num_kept=tiling.num_neighbors, axis=1
    )
    best.add(found.moved(0, start))
  return best.indices, best.scores
