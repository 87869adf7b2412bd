"""Quantized points: their products bound the cosines."""

import numpy as np
import pytest
from support.neighbor_graphs import unit_rows
from support.processor import multiplies_bytes

from dsth_jax.graph.exact import quantize


def points_like(kind, rng):
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
  """The point that `quantize.rotate` puts on the first axis."""
  identity = np.eye(40, dtype=np.float32)
  return np.linalg.solve(quantize.rotate(identity).T, np.eye(40)[0])


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
class TestQuantizedPoints:
  def points(self, kind):
    points = points_like(kind, np.random.default_rng(0))
    return unit_rows(points).astype(np.float32)

  def test_rotation_keeps_products(self, kind):
    points = self.points(kind)
    rotated = quantize.rotate(points)
    np.testing.assert_allclose(
      rotated @ rotated.T, points @ points.T, atol=1e-6
    )

  def test_products_bound_cosines(self, kind):
    points = self.points(kind).astype(np.float64)
    blocks, unit = quantize.quantize_points(
      points.reshape(2, 30, 40).astype(np.float32)
    )
    left = np.concatenate([block.left for block in blocks]).astype(np.int64)
    right = np.concatenate([block.right for block in blocks], axis=1)
    found = unit * ((left - 128) @ right.astype(np.int64))
    excess = found - points @ points.T
    assert np.all(excess > 0)
    # onnxruntime adds up in 32 bits.
    assert np.abs(found / unit).max() * quantize.MAX_FEATURES / 40 < 2**31
    if kind == "normal":
      # The precision of eight bits: 1 / 127 of the largest of 40 values.
      assert excess.max() < 0.05


@multiplies_bytes
def test_product_of_extremes_is_exact():
  rng = np.random.default_rng(0)
  left = rng.choice(np.array([0, 1, 128, 255], np.uint8), (7, 50))
  right = rng.choice(np.array([-128, -127, 0, 127], np.int8), (50, 9))
  found = np.empty((7, 9), np.int32)
  quantize.ByteProduct()(left, right, found)
  expected = (left.astype(int) - 128) @ right.astype(int)
  np.testing.assert_array_equal(found, expected)
