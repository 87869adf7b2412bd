"""Random hyperplanes."""

import jax
import numpy as np
import pytest
from support.points import correlated_features

from dsth_jax.baselines import lsh


def test_opposite_points_have_opposite_codes(key):
  features = correlated_features()
  encoder = lsh.fit(features, num_bits=9, key=key)
  mirrored = 2 * np.asarray(encoder.mean)[None, :] - features
  found = encoder.encode(features) + encoder.encode(mirrored)
  assert (np.asarray(found) == 1).all()


def test_another_key_gives_other_codes():
  features = correlated_features()
  first, other = (
    lsh.fit(features, num_bits=9, key=jax.random.key(seed)).encode(features)
    for seed in (0, 1)
  )
  assert (np.asarray(first) != np.asarray(other)).any()


def test_lsh_collides_with_the_probability_of_the_angle(key):
  angles = np.linspace(0.1, 3.0, 8)
  circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
  # Their mean is the origin, from which the angles are seen.
  points = np.concatenate([[[1.0, 0.0]], circle])
  points = np.concatenate([points, -points])
  num_bits = 20_000
  found = np.asarray(lsh.fit(points, num_bits=num_bits, key=key).encode(points))
  shared = (found[1:9] == found[:1]).mean(1)
  chance = 1 - angles / np.pi
  error = np.sqrt(chance * (1 - chance) / num_bits)
  assert (np.abs(shared - chance) <= 4 * error).all()


def test_lsh_is_faiss_with_the_same_hyperplanes(key):
  faiss = pytest.importorskip("faiss")
  features = correlated_features()
  encoder = lsh.fit(features, num_bits=24, key=key)
  centered = features - np.asarray(encoder.mean)
  index = faiss.IndexLSH(20, 24, True)
  faiss.copy_array_to_vector(
    np.asarray(encoder.projection).T.ravel(), index.rrot.A
  )
  packed = index.sa_encode(centered)
  # Its first bit is the least significant one.
  expected = np.unpackbits(packed, axis=1, bitorder="little")
  found = np.asarray(encoder.encode(features))
  clear = np.abs(centered @ encoder.projection) > 1e-4
  np.testing.assert_array_equal(found[clear], expected[clear])
  assert clear.mean() > 0.99


def test_lsh_may_have_more_bits_thancorrelated_features(key):
  assert lsh.fit(
    correlated_features(), num_bits=64, key=key
  ).projection.shape == (20, 64)
