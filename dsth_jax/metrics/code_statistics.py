"""Statistics of codes that need no labels."""

import numpy as np
from jaxtyping import UInt8

from dsth_jax.metrics import evaluate_codes
from dsth_jax.types import ArrayLike

# Sums of zeros and ones are exact in float32 up to 2^24 rows.
ROWS_IN_BLOCK = 65536


def code_statistics(
  packed: UInt8[ArrayLike, "n w"], *, num_bits: int
) -> dict[str, float | int]:
  """Measures how well codes use their bits.

  Args:
    packed: codes of all images.
    num_bits: of a code.

  Returns:
    * num_codes and num_distinct_codes;
    * bit_balance: the mean over bits of |share of ones - 1/2|: 0 if every bit
      splits the images in half, as in Eq. 2, 1/2 if every bit is constant;
    * bit_correlation: the mean absolute correlation of two different bits.
      Constant bits have none and are left out;
    * num_constant_bits.

  Raises:
    ValueError: there are no codes, or `num_bits` does not fill them.
  """
  packed = np.asarray(packed)
  if not len(packed):
    raise ValueError(
      "the codes are empty, but statistics need at least one row: pass the "
      "packed codes."
    )
  evaluate_codes.check_num_bits("codes", packed, num_bits)
  second_moments = _joint_counts(packed, num_bits) / len(packed)
  shares = np.diagonal(second_moments)
  covariance = second_moments - np.outer(shares, shares)
  varying = (shares > 0) & (shares < 1)
  return {
    "num_codes": len(packed),
    "num_distinct_codes": len(np.unique(packed, axis=0)),
    "bit_balance": float(np.mean(np.abs(shares - 0.5))),
    "bit_correlation": _mean_correlation(covariance[varying][:, varying]),
    "num_constant_bits": int(num_bits - np.count_nonzero(varying)),
  }


def _joint_counts(packed: np.ndarray, num_bits: int) -> np.ndarray:
  """Counts for each pair of bits the codes in which both are one."""
  total = np.zeros((num_bits, num_bits))
  for start in range(0, len(packed), ROWS_IN_BLOCK):
    block = packed[start : start + ROWS_IN_BLOCK]
    bits = np.unpackbits(block, axis=1, count=num_bits).astype(np.float32)
    total += bits.T @ bits
  return total


def _mean_correlation(covariance: np.ndarray) -> float:
  num_bits = len(covariance)
  if num_bits < 2:
    return 0.0
  scale = np.sqrt(np.diagonal(covariance))
  correlation = np.abs(covariance / np.outer(scale, scale))
  off_diagonal = correlation.sum() - np.trace(correlation)
  return float(off_diagonal / (num_bits * (num_bits - 1)))
