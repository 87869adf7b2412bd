"""The top k of tiles against sorting."""

import numpy as np
import pytest

from dsth_jax.graph.exact import topk


@pytest.mark.parametrize("max_candidates", [0, 4])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
# Values of many ties, of few, and all equal.
@pytest.mark.parametrize("num_values", [1, 3, 10_000])
def test_equals_sorting(num_values, dtype, axis, max_candidates, monkeypatch):
  monkeypatch.setattr(topk, "_MAX_CANDIDATES", max_candidates)
  rng = np.random.default_rng(0)
  scores = rng.integers(0, num_values, (6, 90)).astype(dtype)
  kept = topk.TopK(6, 5, dtype)
  for start in (0, 40, 70):
    stop = {0: 40, 40: 70, 70: 90}[start]
    tile = np.ascontiguousarray(scores[:, start:stop])
    tile = tile if axis == 1 else np.ascontiguousarray(tile.T)
    found = topk.candidates(tile, kept.limits(), num_kept=5, axis=axis)
    kept.add(found.shifted(0, start))
  expected = np.argsort(-scores, axis=1, kind="stable")[:, :5]
  np.testing.assert_array_equal(kept.indices, expected)
  np.testing.assert_array_equal(
    kept.scores, np.take_along_axis(scores, expected, axis=1)
  )


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_filtering_leaves_few(dtype):
  scores = np.random.default_rng(0).permutation(20 * 2000).reshape(20, 2000)
  tile = scores.astype(dtype)
  limits = np.full(20, topk.lowest_score(dtype))
  found = topk.candidates(tile, limits, num_kept=5, axis=1)
  assert len(found.points) < 20 * 5 * 2
