"""Structure read off the distribution of distances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from dsth_jax.baselines import similarity, structure_ssdh


def _features(num_points=400, num_features=16):
  rng = np.random.default_rng(0)
  centers = rng.normal(size=(8, num_features))
  points = centers[rng.integers(0, 8, num_points)]
  return (points + rng.normal(size=points.shape)).astype(np.float32)


def _distances(features):
  cosines = np.asarray(similarity.cosines(jnp.asarray(features)))
  return 1 - cosines[np.triu_indices(len(features), 1)]


def test_thresholds_are_those_of_halves_joined_with_their_mirror_images(key):
  features = _features()
  found = structure_ssdh.thresholds(
    features, near=2.0, far=1.5, num_samples=400, key=key
  )
  distances = _distances(features)
  counts, edges = np.histogram(distances, np.arange(0, 2.01, 0.01))
  fullest = counts.argmax()
  inside = distances[
    (distances >= edges[fullest]) & (distances < edges[fullest + 1])
  ]
  peak = inside.mean()
  left = distances[distances <= peak]
  right = distances[distances >= peak]
  mean, spread = scipy.stats.norm.fit(np.concatenate([left, 2 * peak - left]))
  # Float32 distances of order one.
  assert found.near == pytest.approx(mean - 2.0 * spread, abs=1e-5)
  mean, spread = scipy.stats.norm.fit(np.concatenate([2 * peak - right, right]))
  assert found.far == pytest.approx(mean + 1.5 * spread, abs=1e-5)


def test_a_sample_gives_nearly_the_thresholds_of_all_pairs(key):
  features = _features(2000)
  of_all, of_sample = (
    structure_ssdh.thresholds(
      features, near=2.0, far=2.0, num_samples=size, key=key
    )
    for size in (2000, 500)
  )
  np.testing.assert_allclose(of_sample, of_all, atol=0.06)


@pytest.mark.parametrize("same", [np.ones((20, 4)), np.eye(20)])
def test_features_without_structure_are_refused(same, key):
  message = (
    "structure_ssdh was given features of cosine distances from .* pass other"
  )
  with pytest.raises(ValueError, match=message):
    structure_ssdh.thresholds(
      same.astype(np.float32), near=2.0, far=2.0, num_samples=20, key=key
    )


def test_loss_is_the_mean_over_pairs_that_are_clear():
  rng = np.random.default_rng(1)
  outputs = jnp.asarray(rng.normal(size=(9, 5)), jnp.float32)
  features = jnp.asarray(rng.normal(size=(9, 3)), jnp.float32)
  thresholds = structure_ssdh.Thresholds(near=0.5, far=1.4)
  cosines = np.asarray(similarity.cosines(features))
  total, wanted_ones = 0.0, set()
  for i in range(9):
    for j in range(9):
      wanted = int(1 - cosines[i, j] < 0.5) - int(1 - cosines[i, j] > 1.4)
      product = np.tanh(outputs[i]) @ np.tanh(outputs[j]) / 5
      if i != j:
        total += abs(wanted) * (product - wanted) ** 2
        wanted_ones.add(wanted)
  assert wanted_ones == {-1, 0, 1}
  found = structure_ssdh.structure_loss(
    outputs, features, thresholds=thresholds
  )
  assert float(found) == pytest.approx(total / 72, rel=1e-5)
  assert np.isfinite(
    jax.grad(structure_ssdh.structure_loss)(
      outputs, features, thresholds=thresholds
    )
  ).all()
