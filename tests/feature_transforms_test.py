"""Roots, means and lengths of features."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dsth_jax import feature_transforms


@pytest.fixture
def rows():
  return np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)


def _fit(blocks, training, **changes):
  options = {"is_root": False, "is_centered": True, **changes}
  return feature_transforms.fit_transform(blocks, training, **options)


def test_centering_subtracts_the_mean_of_the_training_rows(rows):
  training = np.arange(12)
  halves = rows.astype(np.float16)
  centered = _fit([halves], training)([halves])
  assert centered.dtype == np.float32
  exact = halves.astype(np.float64)
  # One rounding of the mean and one of the difference.
  np.testing.assert_allclose(
    centered, exact - exact[:12].mean(axis=0), atol=1e-6
  )


def test_means_are_summed_in_float64():
  # A float32 sum of these rows is off by up to 1e-3 of the mean.
  rows = np.full((200_000, 1), 0.1, np.float32)
  centered = _fit([rows], np.arange(200_000))([rows])
  np.testing.assert_array_equal(centered, np.zeros_like(rows))


def test_features_of_one_backbone_stay_as_they_are_if_nothing_is_asked(rows):
  transform = _fit([rows], np.arange(20), is_centered=False)
  assert transform([rows]) is rows


def test_features_of_several_are_rooted_centered_and_of_unit_length(rows):
  blocks = [rows, 100 * np.abs(rows[:, :2])]
  found = _fit(blocks, np.arange(20))(blocks)
  expected = []
  for block in map(np.float64, blocks):
    rooted = np.sign(block) * np.sqrt(np.abs(block))
    centered = rooted - rooted.mean(axis=0)
    expected.append(centered / np.linalg.norm(centered, axis=1, keepdims=True))
  np.testing.assert_allclose(found, np.concatenate(expected, 1), atol=1e-5)


def test_the_transform_is_the_same_in_jax(rows):
  for blocks in ([rows], [rows, rows[:, :1]]):
    transform = _fit(blocks, np.arange(7), is_root=True)
    np.testing.assert_allclose(
      jax.jit(lambda *given, t=transform: t(given))(*map(jnp.asarray, blocks)),
      transform(blocks),
      atol=1e-6,
    )


def test_a_row_of_zeros_has_no_direction():
  blocks = [np.zeros((2, 3), np.float32), np.ones((2, 2), np.float32)]
  assert np.isfinite(_fit(blocks, np.arange(2))(blocks)).all()
