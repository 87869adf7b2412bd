"""What is done to features before they are compared.

>>> import numpy as np
>>> rows = np.array([[1.0, 4.0], [9.0, 0.0]], np.float32)
>>> transform = fit_transform(
...   [rows], np.array([0, 1]), is_root=True, is_centered=True
... )
>>> transform([rows])
array([[-1.,  1.],
       [ 1., -1.]], dtype=float32)
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from dsth_jax.types import ArrayLike

# Rows looked at together, so that a memory map stays on disk.
_CHUNK = 8192


class Transform(NamedTuple):
  """What is done to features before they are compared.

  Attributes:
    means: what is subtracted from the features of each backbone; empty if
      nothing is.
    root: whether their signed square root is taken first.
    unit: whether the features of each backbone are scaled to unit length.
  """

  means: tuple[Float[ArrayLike, "_"], ...]
  root: bool = False
  unit: bool = False

  def __call__(self, blocks: Sequence[Any]) -> Any:
    """Returns the features of all backbones side by side.

    Args:
      blocks: Float[n d_i] of each backbone, of NumPy or of JAX.

    Returns:
      Float[n sum d_i]; the features as they are where nothing is to be done.
    """
    means = self.means or (None,) * len(blocks)
    parts = [self._block(*pair) for pair in zip(blocks, means)]
    if len(parts) == 1:
      return parts[0]
    xp = np if isinstance(parts[0], np.ndarray) else jnp
    return xp.concatenate(parts, axis=1)

  def _block(self, rows: Any, mean: Any) -> Any:
    xp = np if isinstance(rows, np.ndarray) else jnp
    rows = xp.asarray(rows, np.float32)
    if self.root:
      rows = root(rows)
    if mean is not None:
      rows = rows - mean[None, :]
    if self.unit:
      lengths = xp.sqrt(xp.sum(xp.square(rows), axis=1, keepdims=True))
      rows = rows / xp.where(lengths == 0, xp.ones_like(lengths), lengths)
    return rows


def root(rows: Any) -> Any:
  """Returns the square root of each value, with its sign."""
  xp = np if isinstance(rows, np.ndarray) else jnp
  return xp.sign(rows) * xp.sqrt(xp.abs(rows))


def share_negative(rows: Float[np.ndarray, "n d"]) -> float:
  """Returns how many of the features are below zero, as a share of all."""
  negative = sum(
    int(np.count_nonzero(rows[start : start + _CHUNK] < 0))
    for start in range(0, len(rows), _CHUNK)
  )
  return negative / rows.size


def fit_transform(
  blocks: Sequence[Float[np.ndarray, "n _"]],
  training: Int[np.ndarray, "t"],
  *,
  is_root: bool,
  is_centered: bool,
) -> Transform:
  """Returns the transform of the features of one or several backbones.

  The features of several are always rooted and scaled to unit length, so that
  each backbone weighs the same.

  Args:
    blocks: features of each backbone.
    training: rows whose means are subtracted.
    is_root: whether a single backbone's features are rooted.
    is_centered: whether means are subtracted.
  """
  several = len(blocks) > 1
  is_root = is_root or several
  if not is_centered:
    return Transform((), is_root, unit=several)

  def mean(block: np.ndarray) -> np.ndarray:
    rows = block[training].astype(np.float32, copy=False)
    rows = root(rows) if is_root else rows
    # A float32 sum of 50,000 rows would lose digits.
    return rows.mean(axis=0, dtype=np.float64).astype(np.float32)

  return Transform(tuple(map(mean, blocks)), is_root, unit=several)
