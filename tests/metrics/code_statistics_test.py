"""The statistics of codes against NumPy."""

import numpy as np
import pytest

from dsth_jax import metrics


@pytest.mark.parametrize("num_bits", [2, 9, 24])
def test_statistics_are_those_of_numpy(num_bits):
  rng = np.random.default_rng(0)
  bits = (rng.random((200, num_bits)) < 0.3).astype(np.uint8)
  bits[:, 1] = bits[:, 0] ^ (rng.random(200) < 0.1)
  found = metrics.code_statistics(np.packbits(bits, axis=1), num_bits=num_bits)
  correlation = np.abs(np.corrcoef(bits.T))[~np.eye(num_bits, dtype=bool)]
  expected = {
    "num_codes": 200,
    "num_distinct_codes": len({tuple(row) for row in bits}),
    "bit_balance": np.abs(bits.mean(0) - 0.5).mean(),
    "bit_correlation": correlation.mean(),
    "num_constant_bits": 0,
  }
  # Float64 covariances by another formula.
  assert found == pytest.approx(expected, rel=1e-9)


def test_statistics_of_ideal_and_of_constant_codes():
  every_code = np.arange(256, dtype=np.uint8)[:, None]
  assert metrics.code_statistics(every_code, num_bits=8) == {
    "num_codes": 256,
    "num_distinct_codes": 256,
    "bit_balance": 0,
    "bit_correlation": 0,
    "num_constant_bits": 0,
  }
  constant = np.full((5, 1), 0b10100000, np.uint8)
  assert metrics.code_statistics(constant, num_bits=4) == {
    "num_codes": 5,
    "num_distinct_codes": 1,
    "bit_balance": 0.5,
    "bit_correlation": 0,
    "num_constant_bits": 4,
  }


def test_constant_bits_are_left_out_of_the_correlation():
  bits = np.array([[1, 0, 0, 1], [1, 0, 1, 0], [1, 0, 0, 1], [1, 0, 1, 0]])
  packed = np.packbits(bits.astype(np.uint8), axis=1)
  found = metrics.code_statistics(packed, num_bits=4)
  assert found["num_constant_bits"] == 2
  assert found["bit_correlation"] == pytest.approx(1)


@pytest.mark.parametrize(
  ("num_codes", "num_bits", "message"),
  [(0, 8, "codes are empty"), (3, 9, "num_bits is 9"), (3, 7, "past bit 7")],
)
def test_statistics_refuse_other_arrays(num_codes, num_bits, message):
  packed = np.full((num_codes, 1), 255, np.uint8)
  with pytest.raises(ValueError, match=message):
    metrics.code_statistics(packed, num_bits=num_bits)
