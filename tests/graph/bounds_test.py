"""Candidates and the bounds that choose them, against brute force."""

import numpy as np
import pytest
from support.processor import multiplies_bytes

from dsth_jax.graph.exact import quantize, topk


def unit(points):
  norms = np.linalg.norm(points, axis=1, keepdims=True)
  return (points / np.where(norms == 0, 1, norms)).astype(np.float32)


def points_of(kind, rng):
  normal = rng.standard_normal((60, 40))
  return {
    "normal": normal,
    "heavy tails": normal**5,
    "one feature": np.eye(40)[rng.integers(0, 40, 60)],
    "some without direction": normal * (np.arange(60) % 3 > 0)[:, None],
    "nearly equal": 50 + normal,
    "none with direction at first": normal * (np.arange(60) > 30)[:, None],
    # Later blocks are far larger along each axis than the first, and clipped.
    "spread, then along one axis": np.where(
      np.arange(60)[:, None] < 30, np.abs(normal), _along_an_axis()
    ),
  }[kind]


def _along_an_axis():
  """What `rounded.turn` makes a multiple of its first axis."""
  turned = np.eye(40, dtype=np.float32)
  return np.linalg.solve(quantize.turn(turned).T, np.eye(40)[0])


@pytest.mark.parametrize(
  "kind",
  [
    "normal",
    "heavy tails",
    "one feature",
    "some without direction",
    "nearly equal",
    "none with direction at first",
    "spread, then along one axis",
  ],
)
class TestRounded:
  def points(self, kind):
    return unit(points_of(kind, np.random.default_rng(0)))

  def test_turning_keeps_products(self, kind):
    points = self.points(kind)
    turned = quantize.turn(points)
    np.testing.assert_allclose(turned @ turned.T, points @ points.T, atol=1e-6)

  def test_products_bound_cosines(self, kind):
    points = self.points(kind).astype(np.float64)
    blocks, step = quantize.round_points(
      points.reshape(2, 30, 40).astype(np.float32)
    )
    left = np.concatenate([block.left for block in blocks]).astype(np.int64)
    right = np.concatenate([block.right for block in blocks], axis=1)
    found = step * ((left - 128) @ right.astype(np.int64))
    excess = found - points @ points.T
    assert np.all(excess > 0)
    # onnxruntime adds up in 32 bits.
    assert np.abs(found / step).max() * quantize.MAX_FEATURES / 40 < 2**31
    if kind == "normal":
      # As near as eight bits allow: 1 / 127 of the largest of 40 values.
      assert excess.max() < 0.05


@multiplies_bytes
def test_product_of_extremes_is_exact():
  rng = np.random.default_rng(0)
  left = rng.choice(np.array([0, 1, 128, 255], np.uint8), (7, 50))
  right = rng.choice(np.array([-128, -127, 0, 127], np.int8), (50, 9))
  found = np.empty((7, 9), np.int32)
  quantize.Product()(left, right, found)
  expected = (left.astype(int) - 128) @ right.astype(int)
  np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("too_many", [0, 4])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
# Values of many ties, of few, and all equal.
@pytest.mark.parametrize("num_values", [1, 3, 10_000])
def test_best_equals_sorting(num_values, dtype, axis, too_many, monkeypatch):
  monkeypatch.setattr(topk, "_TOO_MANY", too_many)
  rng = np.random.default_rng(0)
  scores = rng.integers(0, num_values, (6, 90)).astype(dtype)
  kept = topk.Best(6, 5, dtype)
  for start in (0, 40, 70):
    stop = {0: 40, 40: 70, 70: 90}[start]
    tile = np.ascontiguousarray(scores[:, start:stop])
    tile = tile if axis == 1 else np.ascontiguousarray(tile.T)
    found = topk.candidates(tile, kept.limits(), num_kept=5, axis=axis)
    kept.add(found.moved(0, start))
  expected = np.argsort(-scores, axis=1, kind="stable")[:, :5]
  np.testing.assert_array_equal(kept.indices, expected)
  np.testing.assert_array_equal(
    kept.scores, np.take_along_axis(scores, expected, axis=1)
  )


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_thinning_leaves_few(dtype):
  scores = np.random.default_rng(0).permutation(20 * 2000).reshape(20, 2000)
  tile = scores.astype(dtype)
  none = np.full(20, topk.lowest(dtype))
  found = topk.candidates(tile, none, num_kept=5, axis=1)
  assert len(found.points) < 20 * 5 * 2
