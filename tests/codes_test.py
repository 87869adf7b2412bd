"""The laws of thresholds, binary codes, rotations and packing."""

import inspect

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies
from hypothesis.extra import numpy as hypothesis_numpy
from scipy import linalg

from dsth_jax import codes, spectral

# Every shape is a compilation: few shapes, and no deadline.
laws = hypothesis.settings(max_examples=25, deadline=None, derandomize=True)

# Products of 200 float32 terms of unit vectors are right to about 1e-6.
ATOL = 1e-5


def normal_values(num_points=200, num_bits=7, seed=0):
  rng = np.random.default_rng(seed)
  # Columns of different scale and mean, as eigenvectors are not.
  values = rng.normal(size=(num_points, num_bits)) * np.arange(1, num_bits + 1)
  return (values + np.arange(num_bits)).astype(np.float32)


def an_embedding(num_points=200, num_bits=7):
  return spectral.Embedding(
    eigenvalues=jnp.linspace(0.1, 1.2, num_bits),
    vectors=jnp.asarray(normal_values(num_points, num_bits)),
    residuals=jnp.zeros(num_bits),
    num_iters=0,
  )


class TestThresholds:
  def test_mean_is_that_of_the_equation(self):
    values = normal_values()
    expected = [sum(column) / 200 for column in values.T.astype(float)]
    np.testing.assert_allclose(
      codes.mean_thresholds(values), expected, atol=ATOL
    )

  @pytest.mark.parametrize("num_points", [200, 201])
  def test_median_is_that_of_numpy(self, num_points):
    values = normal_values(num_points)
    np.testing.assert_allclose(
      codes.median_thresholds(values), np.median(values, axis=0), atol=ATOL
    )

  @pytest.mark.parametrize("num_points", [200, 201])
  def test_median_balances_every_bit(self, num_points):
    values = normal_values(num_points)
    bits = codes.binarize(values, codes.median_thresholds(values))
    ones = np.asarray(bits, np.int64).sum(axis=0)
    # The median of an odd number of values is one of them: a one.
    np.testing.assert_array_equal(ones, (num_points + 1) // 2)

  @pytest.mark.parametrize("name", codes.THRESHOLDS)
  @pytest.mark.parametrize("dtype", [np.float16, np.float64])
  def test_any_float_gives_float32(self, name, dtype):
    values = (normal_values() + 300).astype(dtype)
    found = codes.THRESHOLDS[name](values)
    assert found.dtype == jnp.float32
    expected = getattr(np, name)(values.astype(np.float64), axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


class TestBinarize:
  def test_is_the_equation(self):
    values = normal_values(30)
    thresholds = values[3]  # A value at its threshold gives 1.
    bits = np.asarray(codes.binarize(values, thresholds))
    assert bits.dtype == np.uint8
    for point, bit in np.ndindex(*values.shape):
      assert bits[point, bit] == int(values[point, bit] >= thresholds[bit])

  @laws
  @hypothesis.given(
    hypothesis_numpy.arrays(
      np.float32,
      (11, 3),
      elements=strategies.floats(-8, 8, width=16),
      unique=True,
    )
  )
  def test_medians_depend_on_the_order_only(self, values):
    # Exact in float32 and strictly rising: the eleven-point median is a value.
    raised = (4 * values + 1).astype(np.float32)
    plain, other = (
      codes.binarize(v, codes.median_thresholds(v)) for v in (values, raised)
    )
    np.testing.assert_array_equal(plain, other)

  def test_medians_are_invariant_to_a_monotone_map(self):
    values = normal_values(201)
    plain, other = (
      codes.binarize(v, codes.median_thresholds(v))
      for v in (values, np.arctan(values / 8))
    )
    np.testing.assert_array_equal(plain, other)

  @pytest.mark.parametrize("name", codes.THRESHOLDS)
  def test_negated_values_give_the_complement(self, name):
    values = normal_values()
    bits, negated = (
      np.asarray(codes.binarize(v, codes.THRESHOLDS[name](v)))
      for v in (values, -values)
    )
    np.testing.assert_array_equal(bits, 1 - negated)


class TestItqRotation:
  def objective(self, values, matrix):
    """||B - V R||_F^2 for the B that minimizes it."""
    rotated = (values - values.mean(axis=0)) @ np.asarray(matrix, np.float64)
    corners = np.where(rotated >= 0, 1, -1)
    return np.sum((corners - rotated) ** 2)

  def test_objective_never_rises(self, key):
    values = normal_values().astype(np.float64) / 4
    steps = [
      self.objective(
        values, codes.itq_rotation(values, num_iters=steps, key=key).matrix
      )
      for steps in (0, 1, 4, 50)
    ]
    # Of sums of 1,400 terms, float32 keeps six digits.
    assert np.all(np.diff(steps) <= 1e-5 * steps[0])
    assert steps[-1] < 0.99 * steps[0]

  def test_each_step_is_the_exact_minimizer(self, key):
    """The orthogonal Procrustes problem, as SciPy solves it."""
    values = normal_values().astype(np.float64)
    centered = values - values.mean(axis=0)
    first, second = (
      np.asarray(codes.itq_rotation(values, num_iters=steps, key=key).matrix)
      for steps in (0, 1)
    )
    corners = np.where(centered @ first >= 0, 1, -1)
    expected, _ = linalg.orthogonal_procrustes(centered, corners)
    np.testing.assert_allclose(second, expected, atol=ATOL)

  @pytest.mark.parametrize("num_iters", [0, 50])
  def test_is_orthogonal(self, num_iters, key):
    matrix = codes.itq_rotation(
      normal_values(), num_iters=num_iters, key=key
    ).matrix
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(7), atol=ATOL)

  def test_values_are_the_centered_ones_rotated(self, key):
    values = normal_values()
    rotation = codes.itq_rotation(values, key=key)
    expected = (values - values.mean(axis=0)) @ np.asarray(rotation.matrix)
    np.testing.assert_allclose(rotation.values, expected, atol=10 * ATOL)

  def test_keeps_distances(self, key):
    values = normal_values(40)
    rotated = np.asarray(codes.itq_rotation(values, key=key).values)
    pair = [
      np.linalg.norm(points[:, None] - points[None], axis=2)
      for points in (values, rotated)
    ]
    np.testing.assert_allclose(*pair, atol=10 * ATOL)

  def test_invariant_to_shift_and_scale(self, key):
    values = normal_values()
    plain = codes.itq_rotation(values, key=key).matrix
    moved = codes.itq_rotation(values / 1024 + 0.5, key=key).matrix
    np.testing.assert_allclose(plain, moved, atol=1e-3)

  def test_depends_on_the_key_only(self):
    values = normal_values()
    first, again, other = (
      codes.itq_rotation(values, key=jax.random.key(seed)).matrix
      for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.max(np.abs(np.asarray(first) - np.asarray(other))) > 0.1


class TestDiffusionRotation:
  def test_time_zero_rotates_the_embedding_itself(self, key):
    embedding = an_embedding()._replace(
      # Below 1: above it the weight is 0 even with the power 0.
      eigenvalues=jnp.linspace(0.1, 0.9, 7)
    )
    plain = codes.itq_rotation(embedding.vectors, key=key)
    diffused = codes.diffusion_rotation(embedding, diffusion_time=0.0, key=key)
    np.testing.assert_array_equal(diffused.values, plain.values)

  def test_weights_are_powers_of_one_minus_lambda(self, key):
    embedding = an_embedding()
    diffused = codes.diffusion_rotation(
      embedding, diffusion_time=3.0, num_iters=0, key=key
    )
    weights = np.maximum(1 - np.asarray(embedding.eigenvalues), 0) ** 3
    vectors = np.asarray(embedding.vectors)
    centered = (vectors - vectors.mean(axis=0)) * weights[None, :]
    expected = centered @ np.asarray(diffused.matrix)
    np.testing.assert_allclose(diffused.values, expected, atol=ATOL)

  def test_ignores_eigenvectors_that_oscillate(self, key):
    embedding = an_embedding()
    last = np.asarray(embedding.eigenvalues) > 1
    assert last.any()
    changed = embedding._replace(
      vectors=jnp.where(last[None, :], 99.0, embedding.vectors)
    )
    pair = [
      codes.diffusion_rotation(each, key=key).values
      for each in (embedding, changed)
    ]
    np.testing.assert_array_equal(*pair)

  def test_is_orthogonal(self, key):
    matrix = codes.diffusion_rotation(an_embedding(), key=key).matrix
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(7), atol=ATOL)


class TestPack:
  @laws
  @hypothesis.given(
    hypothesis_numpy.arrays(
      np.uint8,
      strategies.tuples(
        strategies.sampled_from([0, 4]),
        strategies.sampled_from([1, 7, 8, 13, 35]),
      ),
      elements=strategies.integers(0, 1),
    )
  )
  def test_unpack_undoes_it(self, bits):
    packed = codes.pack(bits)
    assert packed.shape == (bits.shape[0], -(-bits.shape[1] // 8))
    np.testing.assert_array_equal(codes.unpack(packed, bits.shape[1]), bits)

  @pytest.mark.parametrize("num_bits", [1, 7, 8, 9, 48, 1024])
  def test_equals_numpy(self, num_bits):
    bits = np.random.default_rng(0).integers(0, 2, (5, num_bits), np.uint8)
    packed = codes.pack(bits)
    assert packed.dtype == jnp.uint8
    np.testing.assert_array_equal(packed, np.packbits(bits, axis=1))

  def test_first_bit_is_the_most_significant(self):
    bits = np.array([[1, 0, 0, 0, 0, 0, 0, 1, 1]], np.uint8)
    np.testing.assert_array_equal(codes.pack(bits), [[0b10000001, 0b10000000]])

  def test_spare_bits_are_zero(self):
    packed = np.asarray(codes.pack(np.ones((3, 11), np.uint8)))
    np.testing.assert_array_equal(packed[:, 1] & 0b00011111, 0)

  @pytest.mark.parametrize("num_bits", [-1, 0, 8, 17])
  def test_refuses_a_number_of_bits_that_does_not_fit(self, num_bits):
    packed = np.zeros((3, 2), np.uint8)
    with pytest.raises(ValueError, match=r"2 bytes hold 9 to 16 bits"):
      codes.unpack(packed, num_bits)


BITS = np.array([[0, 1, 1], [1, 0, 1]], np.uint8)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.int64])
def test_pack_takes_any_integers_that_are_bits(dtype):
  # Past the type checks of the tests, which users do not have.
  packed = inspect.unwrap(codes.pack)(BITS.astype(dtype))
  np.testing.assert_array_equal(packed, np.packbits(BITS, axis=1))


@pytest.mark.parametrize(
  ("unfit", "message"),
  [
    (np.array([[1, -1]]), "range from -1 to 1.*pass codes > 0"),
    (BITS * 2, "range from 0 to 2"),
    (BITS.astype(np.float32), r"codes are float32\[2, 3\]"),
    (np.full((1, 2), np.nan), r"codes are float64\[1, 2\]"),
    (BITS[0], r"codes are uint8\[3\]"),
    (BITS.tolist(), "codes are a list"),
  ],
)
def test_pack_refuses_what_are_no_bits(unfit, message):
  with pytest.raises(ValueError, match=message):
    inspect.unwrap(codes.pack)(unfit)


def test_unpack_refuses_a_list():
  with pytest.raises(ValueError, match="packed are a list"):
    inspect.unwrap(codes.unpack)([[128]], 1)
