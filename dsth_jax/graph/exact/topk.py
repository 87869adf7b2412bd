"""The k highest scores of each point, updated tile by tile by comparisons.

>>> import numpy as np
>>> topk = TopK(num_points=2, num_kept=1, dtype=np.float32)
>>> tile = np.array([[0.5, 0.9, 0.1], [0.3, 0.2, 0.3]], np.float32)
>>> topk.add(candidates(tile, topk.limits(), num_kept=1, axis=1))
>>> topk.indices.tolist()
[[1], [0]]
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Real

# Rows of a tile compared at a time, which stay in the cache.
_SLAB = 64
# More candidates per point than this multiple of num_kept are filtered first.
_MAX_CANDIDATES = 4
# Groups per point, as a multiple of num_kept.
_GROUPS = 4

# For each candidate its point, ascending, and its place along the other axis.
_Places = tuple[Int[np.ndarray, "c"], Int[np.ndarray, "c"]]


class Candidates(NamedTuple):
  """Pairs that may belong to the top k.

  Attributes:
    points: the point whose neighbor it may be; ascending.
    indices: the possible neighbor; ascending for one point.
    scores: the score of the pair.
  """

  points: Int[np.ndarray, "c"]
  indices: Int[np.ndarray, "c"]
  scores: Real[np.ndarray, "c"]

  def shifted(self, points: int, indices: int) -> "Candidates":
    """Returns the candidates with offsets added to points and indices."""
    return self._replace(
      points=self.points + points, indices=self.indices + indices
    )


class TopK:
  """The highest scores of every point so far, descending, and their indices.

  Attributes:
    indices: of the neighbors; equal scores are in order of index if the
      candidates come in that order.
    scores: the lowest score of the type where too few candidates were seen.
  """

  def __init__(self, num_points: int, num_kept: int, dtype: type):
    self.indices = np.zeros((num_points, num_kept), np.int32)
    self.scores = np.full((num_points, num_kept), lowest_score(dtype))

  def limits(self) -> Real[np.ndarray, "n"]:
    """Returns the score that a point's next candidate has to exceed."""
    return self.scores[:, -1]

  def add(self, found: Candidates) -> None:
    """Merges candidates into the top k."""
    points, indices, scores = found
    counts = np.bincount(points, minlength=len(self.scores))
    changed = np.flatnonzero(counts)
    counts = counts[changed]
    padding = lowest_score(scores.dtype)
    merged_scores = _append(self.scores[changed], scores, counts, padding)
    merged_indices = _append(self.indices[changed], indices, counts, 0)
    # Stable: an earlier neighbor wins a tie.
    order = np.argsort(-merged_scores, axis=1, kind="stable")
    kept = order[:, : self.scores.shape[1]]
    self.scores[changed] = np.take_along_axis(merged_scores, kept, 1)
    self.indices[changed] = np.take_along_axis(merged_indices, kept, 1)


def candidates(
  tile: Real[np.ndarray, "t u"],
  limits: Real[np.ndarray, "l"],
  *,
  num_kept: int,
  axis: int,
) -> Candidates:
  """Finds all pairs that score above the limit of their point.

  Once a point has its first neighbors, few pairs exceed its limit: one
  comparison of the tile finds them. If there are many, those that cannot be in
  the top k of the tile are removed.

  Args:
    tile: scores; the lowest score where there is no pair.
    limits: one for each point.
    num_kept: k.
    axis: 1 if the rows of the tile are the points and its columns their
      possible neighbors, 0 if it is the other way round.

  Returns:
    Candidates, with points and indices counted from the corner of the tile.
  """
  max_candidates = _MAX_CANDIDATES * num_kept * len(limits)
  places = None
  if limits.min() > lowest_score(tile.dtype):
    places = _above(tile, limits, axis)
  if places is None or len(places[0]) > max_candidates:
    floors = _floors(tile, num_kept, axis)
    places = _above(tile, np.maximum(limits, floors), axis)
  if len(places[0]) > max_candidates:
    places = _sorted_topk(tile, num_kept, axis)
  point, other = places
  scores = tile[point, other] if axis == 1 else tile[other, point]
  return Candidates(point, other, scores)


def lowest_score(dtype: type | np.dtype) -> Any:
  """Returns the score of padding. Its negative is a value of the type too."""
  dtype = np.dtype(dtype)
  if np.issubdtype(dtype, np.floating):
    return dtype.type(-np.inf)
  return dtype.type(-np.iinfo(dtype).max)


def _above(
  tile: Real[np.ndarray, "t u"], limits: Real[np.ndarray, "l"], axis: int
) -> _Places:
  """Returns the places of scores above the limit of their point."""
  limits = np.broadcast_to(np.expand_dims(limits, axis), tile.shape)
  slabs = [slice(first, first + _SLAB) for first in range(0, len(tile), _SLAB)]
  found = np.concatenate(
    [
      slab.start * tile.shape[1] + np.flatnonzero(tile[slab] > limits[slab])
      for slab in slabs
    ]
  )
  rows, columns = np.divmod(found, tile.shape[1])
  if axis == 1:
    return rows, columns
  # Short integers are sorted by radix, several times as fast.
  short = np.uint16 if tile.shape[1] <= np.iinfo(np.uint16).max else np.int64
  order = np.argsort(columns.astype(short), kind="stable")
  return columns[order], rows[order]


def _floors(
  tile: Real[np.ndarray, "t u"], num_kept: int, axis: int
) -> Real[np.ndarray, "l"]:
  """Returns for each point a score that at least `num_kept` scores exceed.

  The scores of a point are divided into groups. The `num_kept`-th largest of
  the groups' maxima has at least `num_kept` scores that are as large.
  """
  lowest = lowest_score(tile.dtype)
  num_groups = min(_GROUPS * num_kept, tile.shape[axis])
  if num_groups < num_kept:
    return np.full(tile.shape[1 - axis], lowest)
  size = tile.shape[axis] // num_groups
  # A group holds every num_groups-th score: whole rows are compared at once.
  if axis == 1:
    grouped = tile[:, : size * num_groups].reshape(len(tile), size, -1)
    maxima = grouped.max(axis=1)
  else:
    grouped = tile[: size * num_groups].reshape(size, num_groups, -1)
    maxima = grouped.max(axis=0).T
  place = num_groups - num_kept
  floors = np.partition(maxima, place, axis=1)[:, place]
  if np.issubdtype(tile.dtype, np.floating):
    return np.nextafter(floors, lowest)
  return np.maximum(floors - 1, lowest)


def _sorted_topk(
  tile: Real[np.ndarray, "t u"], num_kept: int, axis: int
) -> _Places:
  """Returns the places of each point's top k, ties by lower index."""
  scores = tile if axis == 1 else tile.T
  others = np.argsort(-scores, axis=1, kind="stable")[:, :num_kept]
  others = np.sort(others, axis=1)
  points = np.repeat(np.arange(len(scores)), others.shape[1])
  return points, others.ravel()


def _append(
  rows: np.ndarray, items: np.ndarray, counts: np.ndarray, padding: Any
) -> np.ndarray:
  """Appends the next `counts[i]` items to row i, padded to equal length."""
  width = int(counts.max(initial=0))
  row = np.repeat(np.arange(len(rows)), counts)
  place = np.arange(len(items)) - np.repeat(np.cumsum(counts) - counts, counts)
  appended = np.full((len(rows), width), padding, rows.dtype)
  appended[row, place] = items
  return np.concatenate([rows, appended], axis=1)
