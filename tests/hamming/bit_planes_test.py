"""Bit planes against the bits themselves and all distances."""

import numpy as np
import pytest
from support.packed_codes import all_distances, random_codes

from dsth_jax.hamming import bit_planes


@pytest.mark.parametrize("num_bytes", [1, 3, 8, 24])
def test_is_below_equals_comparing_all_distances(num_bytes):
  queries = random_codes(0, 20, num_bytes)
  database = random_codes(1, 100, num_bytes)
  limits = np.random.default_rng(2).integers(0, 8 * num_bytes + 2, 20)
  limits[:2] = [0, 8 * num_bytes + 1]
  expected = all_distances(queries, database) < limits[:, None]
  for comparison in (bit_planes.BY_DISTANCES, bit_planes.BY_BIT_PLANES):
    mask = comparison.is_below(queries, comparison.prepare(database), limits)
    bits = np.unpackbits(
      np.asarray(mask).view(np.uint8), axis=1, bitorder="little"
    )
    np.testing.assert_array_equal(bits[:, :100], expected)


def test_bit_planes_are_the_bits_transposed():
  packed = random_codes(0, 70, 5)
  bits = np.unpackbits(packed, axis=1, bitorder="little")
  padded = np.pad(bits, ((0, 26), (0, 0)))
  words = np.packbits(padded.T, axis=1, bitorder="little").copy()
  np.testing.assert_array_equal(
    bit_planes.bit_planes(packed), words.view(np.uint32)
  )
