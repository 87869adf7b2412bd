"""Tests of distances, search and range search over packed codes."""

import inspect

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsth_jax import codes, hamming
from dsth_jax.hamming import bit_planes, exact_search

WIDTHS = [1, 2, 3, 4, 5, 6, 16, 33, 128]


def _random_codes(seed, num_codes, num_bytes):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (num_codes, num_bytes), dtype=np.uint8)


def _brute_force(queries, database):
  bits = [
    np.unpackbits(part, axis=1).astype(int) for part in (queries, database)
  ]
  return np.abs(bits[0][:, None] - bits[1][None]).sum(2)


def _nearest(queries, database, num_results):
  """Orders by (distance, index), one query at a time."""
  all_distances = _brute_force(queries, database)
  indices = [
    sorted(range(len(row)), key=lambda j: (row[j], j))[:num_results]
    for row in all_distances
  ]
  return np.take_along_axis(all_distances, np.array(indices), 1), indices


@pytest.fixture(params=[(3, 32, 1), (64, 64, 5), (500, 992, 999)])
def tiles(request, monkeypatch):
  """Tiles that are smaller and larger than the data."""
  names = ("TILE_QUERIES", "TILE_DATABASE", "FIRST_ROWS")
  for name, size in zip(names, request.param):
    monkeypatch.setattr(exact_search, name, size)


@pytest.mark.parametrize("num_bytes", WIDTHS)
def test_distances_count_differing_bits(num_bytes):
  queries = _random_codes(0, 5, num_bytes)
  database = _random_codes(1, 70, num_bytes)
  found = hamming.distances(queries, database)
  assert found.dtype == jnp.int32
  np.testing.assert_array_equal(found, _brute_force(queries, database))


def test_distances_are_those_of_eq_9():
  rng = np.random.default_rng(0)
  signs = rng.choice([-1, 1], size=(30, 12))
  packed = codes.pack((signs > 0).astype(np.uint8))
  squares = np.sum((signs[:, None] - signs[None]) ** 2, axis=2) / 4
  np.testing.assert_array_equal(hamming.distances(packed, packed), squares)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from(WIDTHS))
def test_distance_is_a_metric(seed, num_bytes):
  points = _random_codes(seed, 6, num_bytes)
  points[5] = points[0]
  found = np.asarray(hamming.distances(points, points))
  same = (points[:, None] == points[None]).all(2)
  np.testing.assert_array_equal(found == 0, same)
  np.testing.assert_array_equal(found, found.T)
  assert (found[:, None, :] <= found[:, :, None] + found[None]).all()


@pytest.mark.parametrize("num_bytes", [31, 32, 40])
def test_opposite_codes_differ_in_all_bits(num_bytes):
  zeros = np.zeros((1, num_bytes), np.uint8)
  found = hamming.search(zeros, ~zeros, num_results=1)
  assert found.distances.tolist() == [[8 * num_bytes]]


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("num_results", [1, 4, 100])
def test_search_orders_by_distance_then_index(num_results):
  # One byte makes nine distances among a hundred rows: masses of ties.
  queries, database = _random_codes(0, 9, 1), _random_codes(1, 100, 1)
  found = hamming.search(queries, database, num_results=num_results)
  distances, indices = _nearest(queries, database, num_results)
  np.testing.assert_array_equal(found.distances, distances)
  np.testing.assert_array_equal(found.indices, indices)
  assert found.distances.dtype == found.indices.dtype == jnp.int32


# Codes of a byte, of planes, of more than planes take, and of 1,024 bits.
@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("num_bytes", [1, 6, 25, 128])
def test_search_of_codes_of_any_width(num_bytes):
  queries, database = (
    _random_codes(seed, size, num_bytes) for seed, size in ((0, 9), (1, 1200))
  )
  found = hamming.search(queries, database, num_results=7)
  distances, indices = _nearest(queries, database, 7)
  np.testing.assert_array_equal(found.distances, distances)
  np.testing.assert_array_equal(found.indices, indices)


@pytest.mark.usefixtures("tiles")
def test_search_when_later_rows_are_ever_nearer():
  database = np.packbits(np.tri(33, 32, -1, dtype=np.uint8)[::-1], axis=1)
  queries = np.zeros((2, 4), np.uint8)
  found = hamming.search(queries, database, num_results=5)
  assert found.indices.tolist() == [[32, 31, 30, 29, 28]] * 2
  assert found.distances.tolist() == [[0, 1, 2, 3, 4]] * 2


@pytest.mark.usefixtures("tiles")
def test_search_of_equal_codes_returns_the_first_rows():
  database = np.full((50, 3), 7, np.uint8)
  found = hamming.search(database[:2], database, num_results=50)
  assert found.indices.tolist() == [list(range(50))] * 2


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("radius", [0, 3, 16])
def test_range_search_finds_all_within_the_radius(radius):
  queries, database = _random_codes(0, 9, 2), _random_codes(1, 150, 2)
  queries[4] = database[140]
  found = hamming.range_search(queries, database, radius=radius)
  expected = _brute_force(queries, database)
  assert found.offsets[0] == 0
  assert found.offsets[-1] == len(found.indices) == (expected <= radius).sum()
  for i, row in enumerate(expected):
    inside = [j for j in range(len(row)) if row[j] <= radius]
    inside.sort(key=lambda j, row=row: (row[j], j))
    part = slice(found.offsets[i], found.offsets[i + 1])
    np.testing.assert_array_equal(found.indices[part], inside)
    np.testing.assert_array_equal(found.distances[part], row[inside])


def test_range_search_without_a_result():
  found = hamming.range_search(
    np.zeros((3, 1), np.uint8), np.full((5, 1), 255, np.uint8), radius=7
  )
  assert found.offsets.tolist() == [0, 0, 0, 0]
  assert not len(found.indices)


def test_no_queries_no_results():
  queries, database = np.zeros((0, 2), np.uint8), _random_codes(0, 5, 2)
  assert hamming.distances(queries, database).shape == (0, 5)
  found = hamming.search(queries, database, num_results=3)
  assert found.indices.shape == (0, 3)
  assert hamming.range_search(queries, database, radius=1).offsets.tolist() == [
    0
  ]


def test_no_array_grows_as_queries_times_database(monkeypatch):
  monkeypatch.setattr(exact_search, "TILE_QUERIES", 16)
  monkeypatch.setattr(exact_search, "TILE_DATABASE", 256)
  monkeypatch.setattr(exact_search, "FIRST_ROWS", 64)
  heads, masks = [], []
  all_distances, ones = exact_search.pairwise.distances, exact_search._ones

  def count_distances(queries, database):
    heads.append(len(queries) * len(database))
    return all_distances(queries, database)

  def count_ones(mask):
    masks.append(32 * mask.size)
    return ones(mask)

  monkeypatch.setattr(exact_search.pairwise, "distances", count_distances)
  monkeypatch.setattr(exact_search, "_ones", count_ones)
  queries, database = _random_codes(0, 32, 2), _random_codes(1, 2112, 2)
  hamming.search(queries, database, num_results=10)
  hamming.search(queries, database, num_results=2000)
  hamming.range_search(queries, database, radius=1)
  # The second search needs one query's 2,000 results at least.
  assert max(heads + masks) <= 16 * 256
  assert sum(heads) == 32 * (64 + 2000)


@pytest.mark.parametrize("num_bytes", [1, 2, 6, 8, 16, 33])
def test_bit_planes_find_what_distances_find(num_bytes):
  queries = _random_codes(0, 20, num_bytes)
  database = _random_codes(1, 100, num_bytes)
  limits = np.random.default_rng(2).integers(0, 8 * num_bytes + 2, 20)
  limits[:2] = [0, 8 * num_bytes + 1]
  expected = _brute_force(queries, database) < limits[:, None]
  for form in (bit_planes.PLAIN, bit_planes.BIT_PLANES):
    mask = form.nearer(queries, form.prepare(database), limits)
    bits = np.unpackbits(
      np.asarray(mask).view(np.uint8), axis=1, bitorder="little"
    )
    np.testing.assert_array_equal(bits[:, :100], expected)


def test_bit_planes_are_the_bits_transposed():
  packed = _random_codes(0, 70, 5)
  bits = np.unpackbits(packed, axis=1, bitorder="little")
  padded = np.pad(bits, ((0, 26), (0, 0)))
  words = np.packbits(padded.T, axis=1, bitorder="little").copy()
  np.testing.assert_array_equal(
    bit_planes.bit_planes(packed), words.view(np.uint32)
  )


_CODES = np.zeros((4, 2), np.uint8)


@pytest.mark.parametrize(
  ("queries", "database", "message"),
  [
    (_CODES, _CODES[:, :1], "queries have 2 bytes a code and the database 1"),
    (_CODES.astype(np.int32), _CODES, r"queries are int32\[4, 2\]"),
    (_CODES, _CODES[0], r"database are uint8\[2\]"),
    (_CODES, _CODES[:0], "the database is empty"),
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


@pytest.mark.parametrize("num_results", [0, -1, 5])
def test_impossible_num_results_is_refused(num_results):
  with pytest.raises(
    ValueError, match=f"num_results is {num_results}, .* 1 to 4"
  ):
    hamming.search(_CODES, _CODES, num_results=num_results)


def test_negative_radius_is_refused():
  with pytest.raises(ValueError, match="radius is -1"):
    hamming.range_search(_CODES, _CODES, radius=-1)
