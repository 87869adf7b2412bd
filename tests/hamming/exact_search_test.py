"""Search and range search against sorting all distances."""

import jax.numpy as jnp
import numpy as np
import pytest
from support.packed_codes import all_distances, nearest, random_codes

from dsth_jax import hamming
from dsth_jax.hamming import exact_search, pairwise_distances

CODES = np.zeros((4, 2), np.uint8)


@pytest.fixture(params=[(3, 32, 1), (64, 64, 5), (500, 992, 999)])
def tiles(request, monkeypatch):
  """Tiles that are smaller and larger than the data."""
  names = ("TILE_QUERIES", "TILE_DATABASE", "FIRST_ROWS")
  for name, size in zip(names, request.param):
    monkeypatch.setattr(exact_search, name, size)


@pytest.mark.parametrize("num_bytes", [31, 32, 40])
def test_opposite_codes_differ_in_all_bits(num_bytes):
  zeros = np.zeros((1, num_bytes), np.uint8)
  found = hamming.search(zeros, ~zeros, num_results=1)
  assert found.distances.tolist() == [[8 * num_bytes]]


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("num_results", [1, 4, 100])
def test_search_orders_by_distance_then_index(num_results):
  # One byte makes nine distances among a hundred rows: many ties.
  queries, database = random_codes(0, 9, 1), random_codes(1, 100, 1)
  found = hamming.search(queries, database, num_results=num_results)
  distances, indices = nearest(queries, database, num_results)
  np.testing.assert_array_equal(found.distances, distances)
  np.testing.assert_array_equal(found.indices, indices)
  assert found.distances.dtype == found.indices.dtype == jnp.int32


# Codes of a byte, compared by planes, by distances, and of over 255 bits.
@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("num_bytes", [1, 6, 25, 33])
def test_search_of_codes_of_any_width(num_bytes):
  queries, database = (
    random_codes(seed, size, num_bytes) for seed, size in ((0, 9), (1, 1200))
  )
  found = hamming.search(queries, database, num_results=7)
  distances, indices = nearest(queries, database, 7)
  np.testing.assert_array_equal(found.distances, distances)
  np.testing.assert_array_equal(found.indices, indices)


@pytest.mark.usefixtures("tiles")
def test_search_when_later_rows_are_closer():
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
  queries, database = random_codes(0, 9, 2), random_codes(1, 150, 2)
  queries[4] = database[140]
  found = hamming.range_search(queries, database, radius=radius)
  expected = all_distances(queries, database)
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
  queries, database = np.zeros((0, 2), np.uint8), random_codes(0, 5, 2)
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
  distances, ones = pairwise_distances.distances, exact_search._ones

  def count_distances(queries, database):
    heads.append(len(queries) * len(database))
    return distances(queries, database)

  def count_ones(mask):
    masks.append(32 * mask.size)
    return ones(mask)

  monkeypatch.setattr(pairwise_distances, "distances", count_distances)
  monkeypatch.setattr(exact_search, "_ones", count_ones)
  queries, database = random_codes(0, 32, 2), random_codes(1, 2112, 2)
  hamming.search(queries, database, num_results=10)
  hamming.search(queries, database, num_results=2000)
  hamming.range_search(queries, database, radius=1)
  # The second search needs at least the 2,000 results of one query.
  assert max(heads + masks) <= 16 * 256
  assert sum(heads) == 32 * (64 + 2000)


@pytest.mark.parametrize("num_results", [0, -1, 5])
def test_impossible_num_results_is_refused(num_results):
  with pytest.raises(
    ValueError, match=f"num_results is {num_results}, .* 1 to 4"
  ):
    hamming.search(CODES, CODES, num_results=num_results)


def test_negative_radius_is_refused():
  with pytest.raises(ValueError, match="radius is -1"):
    hamming.range_search(CODES, CODES, radius=-1)
