"""The best of what the points of a block have met, found by comparison.

>>> import numpy as np
>>> best = Best(num_points=2, num_kept=1, dtype=np.float32)
>>> tile = np.array([[0.5, 0.9, 0.1], [0.3, 0.2, 0.3]], np.float32)
>>> best.add(candidates(tile, best.limits(), num_kept=1, axis=1))
>>> best.indices.tolist()
[[1], [0]]
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Real

# Lines of a tile compared at a time, which stay in the cache.
_SLAB = 64
# More candidates a line than so many times those kept are thinned first.
_TOO_MANY = 4
# Groups that are looked at for a line, so many times those kept.
_GROUPS = 4

# The line of a tile that each candidate is for, ascending, and where on it.
_Places = tuple[Int[np.ndarray, "c"], Int[np.ndarray, "c"]]


class Candidates(NamedTuple):
  """Who may be among the best of a block's points.

  Attributes:
    points: whose neighbour each may be; ascending.
    indices: who it is; ascending for one point.
    scores: what it scores.
  """

  points: Int[np.ndarray, "c"]
  indices: Int[np.ndarray, "c"]
  scores: Real[np.ndarray, "c"]

  def moved(self, by_points: int, by_indices: int) -> "Candidates":
    """Counts points and others from elsewhere."""
    return self._replace(
      points=self.points + by_points, indices=self.indices + by_indices
    )


class Best:
  """The highest scores of every point, best first, and whose they are.

  Attributes:
    indices: of those who scored; equal scores by index, if points come in
      their order.
    scores: the lowest value of the type where too few were met.
  """

  def __init__(self, num_points: int, num_kept: int, dtype: type):
    self.indices = np.zeros((num_points, num_kept), np.int32)
    self.scores = np.full((num_points, num_kept), lowest(dtype))

  def limits(self) -> Real[np.ndarray, "n"]:
    """Returns what a point's score has to exceed to be kept."""
    return self.scores[:, -1]

  def add(self, found: Candidates) -> None:
    """Takes candidates into account."""
    points, indices, scores = found
    counts = np.bincount(points, minlength=len(self.scores))
    touched = np.flatnonzero(counts)
    counts = counts[touched]
    none = lowest(scores.dtype)
    best_scores = _append(self.scores[touched], scores, counts, none)
    best_indices = _append(self.indices[touched], indices, counts, 0)
    # Stable: an earlier neighbour wins a tie.
    order = np.argsort(-best_scores, axis=1, kind="stable")
    kept = order[:, : self.scores.shape[1]]
    self.scores[touched] = np.take_along_axis(best_scores, kept, 1)
    self.indices[touched] = np.take_along_axis(best_indices, kept, 1)


def candidates(
  tile: Real[np.ndarray, "t u"],
  limits: Real[np.ndarray, "l"],
  *,
  num_kept: int,
  axis: int,
) -> Candidates:
  """Finds all who may enter, above the limit of a point.

  Once a point has met enough, few others score higher than its last one: a
  comparison finds them. Of too many, those are left out that lie below as many
  as are kept.

  Args:
    tile: scores of some points with others; the lowest value where there is
      no other.
    limits: of the points.
    num_kept: of the scores of a point.
    axis: along which the others lie: 1 if the tile's rows are points, 0 if its
      columns are.

  Returns:
    Candidates, points and others counted from the tile's corner.
  """
  too_many = _TOO_MANY * num_kept * len(limits)
  places = None
  if limits.min() > lowest(tile.dtype):
    places = _above(tile, limits, axis)
  if places is None or len(places[0]) > too_many:
    floors = _floors(tile, num_kept, axis)
    places = _above(tile, np.maximum(limits, floors), axis)
  if len(places[0]) > too_many:
    places = _first_of_highest(tile, num_kept, axis)
  line, other = places
  scores = tile[line, other] if axis == 1 else tile[other, line]
  return Candidates(line, other, scores)


def lowest(dtype: type | np.dtype) -> Any:
  """Returns the score of nobody. Its negative can be written in the type."""
  dtype = np.dtype(dtype)
  if np.issubdtype(dtype, np.floating):
    return dtype.type(-np.inf)
  return dtype.type(-np.iinfo(dtype).max)


def _above(
  tile: Real[np.ndarray, "t u"], limits: Real[np.ndarray, "l"], axis: int
) -> _Places:
  """Returns who scores above the limit of a line."""
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
  order = _by_line(columns, tile.shape[1])
  return columns[order], rows[order]


def _by_line(
  lines: Int[np.ndarray, "c"], num_lines: int
) -> Int[np.ndarray, "c"]:
  """Returns the order of ascending lines, else as it is."""
  # Short integers are sorted by their digits, several times as fast.
  short = np.uint16 if num_lines <= np.iinfo(np.uint16).max else np.int64
  return np.argsort(lines.astype(short), kind="stable")


def _floors(
  tile: Real[np.ndarray, "t u"], num_kept: int, axis: int
) -> Real[np.ndarray, "l"]:
  """Returns a score of each line that `num_kept` of its others exceed.

  Others are divided into groups, of whose maxima the `num_kept`-th is taken: so
  many others are at least as large.
  """
  nobody = lowest(tile.dtype)
  num_groups = min(_GROUPS * num_kept, tile.shape[axis])
  if num_groups < num_kept:
    return np.full(tile.shape[1 - axis], nobody)
  size = tile.shape[axis] // num_groups
  # Every num_groups-th belongs to a group: whole rows are compared at once.
  if axis == 1:
    grouped = tile[:, : size * num_groups].reshape(len(tile), size, -1)
    maxima = grouped.max(axis=1)
  else:
    grouped = tile[: size * num_groups].reshape(size, num_groups, -1)
    maxima = grouped.max(axis=0).T
  place = num_groups - num_kept
  floors = np.partition(maxima, place, axis=1)[:, place]
  if np.issubdtype(tile.dtype, np.floating):
    return np.nextafter(floors, nobody)
  return np.maximum(floors - 1, nobody)


def _first_of_highest(
  tile: Real[np.ndarray, "t u"], num_kept: int, axis: int
) -> _Places:
  """Returns the highest of each line, the first of equal ones, by place."""
  members = tile if axis == 1 else tile.T
  others = np.argsort(-members, axis=1, kind="stable")[:, :num_kept]
  others = np.sort(others, axis=1)
  lines = np.repeat(np.arange(len(members)), others.shape[1])
  return lines, others.ravel()


def _append(
  rows: np.ndarray,
  items: np.ndarray,
  counts: np.ndarray,
  padding: Any,
) -> np.ndarray:
  """Appends the next `counts[i]` items to row i, and pads all to one width."""
  width = int(counts.max(initial=0))
  row = np.repeat(np.arange(len(rows)), counts)
  place = np.arange(len(items)) - np.repeat(np.cumsum(counts) - counts, counts)
  appended = np.full((len(rows), width), padding, rows.dtype)
  appended[row, place] = items
  return np.concatenate([rows, appended], axis=1)
