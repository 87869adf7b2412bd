"""Distances of packed codes, and the refusal of what is not packed codes."""

import inspect

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.packed_codes import all_distances, random_codes

from dsth_jax import codes, hamming

WIDTHS = [1, 2, 3, 4, 5, 6, 16, 33, 128]


@pytest.mark.parametrize("num_bytes", WIDTHS)
def test_distances_count_differing_bits(num_bytes):
  queries = random_codes(0, 5, num_bytes)
  database = random_codes(1, 70, num_bytes)
  found = hamming.distances(queries, database)
  assert found.dtype == jnp.int32
  np.testing.assert_array_equal(found, all_distances(queries, database))


def test_distances_are_those_of_eq_9():
  rng = np.random.default_rng(0)
  signs = rng.choice([-1, 1], size=(30, 12))
  packed = codes.pack((signs > 0).astype(np.uint8))
  squares = np.sum((signs[:, None] - signs[None]) ** 2, axis=2) / 4
  np.testing.assert_array_equal(hamming.distances(packed, packed), squares)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from(WIDTHS))
def test_distance_is_a_metric(seed, num_bytes):
  points = random_codes(seed, 6, num_bytes)
  points[5] = points[0]
  found = np.asarray(hamming.distances(points, points))
  same = (points[:, None] == points[None]).all(2)
  np.testing.assert_array_equal(found == 0, same)
  np.testing.assert_array_equal(found, found.T)
  assert (found[:, None, :] <= found[:, :, None] + found[None]).all()


CODES = np.zeros((4, 2), np.uint8)


@pytest.mark.parametrize(
  ("queries", "database", "message"),
  [
    (CODES, CODES[:, :1], "queries have 2 bytes a code and the database 1"),
    (CODES.astype(np.int32), CODES, r"queries are int32\[4, 2\]"),
    (CODES.tolist(), CODES, "queries are a list"),
    (CODES, CODES[0], r"database are uint8\[2\]"),
    (CODES, CODES[:0], "the database is empty"),
  ],
)
@pytest.mark.parametrize(
  "call",
  [
    hamming.distances,
    lambda *codes: inspect.unwrap(hamming.search)(*codes, num_results=1),
    lambda *codes: inspect.unwrap(hamming.range_search)(*codes, radius=1),
  ],
)
def test_unfit_codes_are_refused(call, queries, database, message):
  # Past the type checks of the tests, which users do not have.
  call = inspect.unwrap(call)
  with pytest.raises(ValueError, match=message):
    call(queries, database)
