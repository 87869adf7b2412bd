"""Binary reconstructive embeddings."""

import itertools
import tracemalloc

import jax.numpy as jnp
import numpy as np
import pytest
from support.labeled_points import labeled_features

from dsth_jax.baselines import bre, bre_descent


def _objective(codes, pairs):
  """The mean of (d_ij - share of differing bits)^2; one row of codes a bit."""
  first, second, distances = map(np.asarray, pairs)
  shares = (codes[:, first] != codes[:, second]).mean(0)
  return np.mean((distances - shares) ** 2)


def _codes(kernels, bits):
  kernels, anchors, weights = map(np.asarray, (kernels, *bits))
  return np.einsum("bs,bsn->bn", weights, kernels[anchors]) >= 0


def _problem(num_points, *, num_bits, num_anchors):
  features, classes = labeled_features(num_points)
  rng = np.random.default_rng(0)
  centered = features - features.mean(0)
  bits = bre.draw_bits(
    num_points, num_bits=num_bits, num_anchors=num_anchors, rng=rng
  )
  pairs = bre.draw_pairs(classes, num_pairs=20 * num_points, rng=rng)
  return jnp.asarray(centered @ centered.T), bits, pairs


def test_pairs_are_different_and_half_of_them_alike():
  classes = np.arange(60) % 6
  pairs = bre.draw_pairs(classes, num_pairs=400, rng=np.random.default_rng(0))
  first, second = np.asarray(pairs.first), np.asarray(pairs.second)
  assert len({*zip(first, second)}) == 400
  assert (first < second).all()
  np.testing.assert_array_equal(
    pairs.distances, classes[first] != classes[second]
  )
  assert np.sum(pairs.distances) == 200


def test_all_pairs_are_taken_if_there_are_few():
  classes = np.array([0, 0, 0, 1, 2])
  pairs = bre.draw_pairs(classes, num_pairs=100, rng=np.random.default_rng(0))
  found = {*zip(np.asarray(pairs.first), np.asarray(pairs.second))}
  assert found == set(itertools.combinations(range(5), 2))


@pytest.mark.parametrize("sizes", [[1, 1, 1], [40, 1], [2, 3, 4]])
def test_every_pair_of_either_kind_is_drawn_once(sizes):
  classes = np.random.default_rng(1).permutation(
    np.repeat(np.arange(len(sizes)), sizes)
  )
  pairs = bre.draw_pairs(classes, num_pairs=9999, rng=np.random.default_rng(0))
  first, second, distances = map(np.asarray, pairs)
  every = set(itertools.combinations(range(len(classes)), 2))
  assert len(first) == len(every)
  assert {*zip(first, second)} == every
  np.testing.assert_array_equal(distances, classes[first] != classes[second])


def test_pairs_are_drawn_evenly():
  classes = np.arange(6) % 2
  rng = np.random.default_rng(0)
  counts = np.zeros((6, 6), int)
  for _ in range(2000):
    first, second, _ = bre.draw_pairs(classes, num_pairs=4, rng=rng)
    counts[np.asarray(first), np.asarray(second)] += 1
  same = classes[:, None] == classes[None, :]
  for kind, num_pairs in ((same, 6), (~same, 9)):
    found = counts[np.triu(kind, 1)]
    assert found.sum() == 4000
    # Six standard deviations of a pair's count.
    expected = 4000 / num_pairs
    assert np.abs(found - expected).max() < 6 * np.sqrt(expected)


def test_pairs_of_many_images_take_memory_linear_in_their_number():
  tracemalloc.start()
  classes = np.arange(40_000) % 10
  bre.draw_pairs(classes, num_pairs=100_000, rng=np.random.default_rng(0))
  _, peak = tracemalloc.get_traced_memory()
  tracemalloc.stop()
  # A matrix of one byte a pair takes 1.6 GB.
  assert peak < 100e6


def test_anchors_kernels_give_what_all_kernels_give():
  features, classes = labeled_features(200)
  points = jnp.asarray(features - features.mean(0))
  rng = np.random.default_rng(0)
  bits = bre.draw_bits(200, num_bits=3, num_anchors=10, rng=rng)
  pairs = bre.draw_pairs(classes, num_pairs=2000, rng=rng)
  kernels, places = bre._anchor_kernels(points, bits.anchors)
  assert kernels.shape == (30, 200)
  found = bre_descent.descend(
    kernels, bits._replace(anchors=places), pairs, num_sweeps=2
  )
  expected = bre_descent.descend(points @ points.T, bits, pairs, num_sweeps=2)
  # Sums of twelve products, which kernels of another shape may round otherwise.
  np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-4)


def test_all_labels_are_those_of_every_image(key):
  features, classes = labeled_features(90)
  every, enough = (
    bre.fit(features, classes, num_bits=4, num_labelled=number, key=key)
    for number in (0, 90)
  )
  np.testing.assert_array_equal(every.encode(features), enough.encode(features))


def test_anchors_of_a_bit_are_different_points():
  bits = bre.draw_bits(
    30, num_bits=5, num_anchors=30, rng=np.random.default_rng(0)
  )
  np.testing.assert_array_equal(
    np.sort(bits.anchors, axis=1), np.tile(np.arange(30), (5, 1))
  )


@pytest.mark.parametrize("seed", range(5))
def test_cheapest_weight_is_the_best_of_all(seed):
  rng = np.random.default_rng(seed)
  # Kernels of 0 and equal points among them.
  kernel = rng.integers(-2, 3, 30).astype(np.float32)
  values = rng.integers(-4, 5, 30).astype(np.float32)
  first, second = np.triu_indices(30, 1)
  prices = rng.integers(-9, 10, len(first)).astype(np.int32)
  pairs = bre_descent.Pairs(*map(jnp.asarray, (first, second, prices)))

  def price(weight):
    code = values + (weight - 0.5) * kernel >= 0
    return prices[code[first] != code[second]].sum()

  found = bre_descent.cheapest_weight(
    *map(jnp.asarray, (kernel, values, np.float32(0.5), prices)), pairs
  )
  # Changes are at quarters from -6 on; between them nothing happens.
  weights = np.arange(-8, 8, 1 / 24) + 1 / 48
  assert price(float(found)) == min(map(price, weights))


def test_objective_never_rises():
  kernels, bits, pairs = _problem(150, num_bits=6, num_anchors=10)
  found = [
    _objective(
      _codes(
        kernels, bre_descent.descend(kernels, bits, pairs, num_sweeps=sweeps)
      ),
      pairs,
    )
    for sweeps in range(6)
  ]
  assert found[0] == _objective(_codes(kernels, bits), pairs)
  assert all(b <= a for a, b in itertools.pairwise(found))
  assert found[-1] < 0.8 * found[0]


def test_in_the_end_no_other_weight_lowers_the_objective():
  kernels, bits, pairs = _problem(40, num_bits=3, num_anchors=4)
  bits = bre_descent.descend(kernels, bits, pairs, num_sweeps=50)
  lowest = _objective(_codes(kernels, bits), pairs)
  weights = np.asarray(bits.weights)
  reach = 2 * np.abs(weights).max()
  for place in np.ndindex(weights.shape):
    for weight in np.linspace(-reach, reach, 41):
      other = weights.copy()
      other[place] = weight
      changed = _objective(_codes(kernels, bits._replace(weights=other)), pairs)
      assert changed >= lowest - 1e-12


def test_objective_over_all_pairs_falls_in_the_codes_themselves(key):
  features, classes = labeled_features(100)
  first, second = np.triu_indices(100, 1)
  pairs = first, second, classes[first] != classes[second]

  def objective(num_sweeps):
    encoder = bre.fit(
      features,
      classes,
      num_bits=6,
      # Enough for every pair of either kind.
      pairs_per_image=100,
      num_sweeps=num_sweeps,
      key=key,
    )
    return _objective(np.asarray(encoder.encode(features)).T, pairs)

  found = [objective(num_sweeps) for num_sweeps in (0, 1, 2, 5)]
  assert all(b <= a for a, b in itertools.pairwise(found))
  assert found[-1] < found[0]
