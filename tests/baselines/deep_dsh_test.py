"""The contrast of pairs."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from dsth_jax.baselines import deep_dsh


def test_loss_is_the_mean_over_pairs():
  rng = np.random.default_rng(0)
  # Some pairs of different classes are beyond the margin, some within.
  outputs = rng.normal(scale=1.5, size=(7, 4)).astype(np.float32)
  classes = np.array([0, 1, 2, 0, 1, 0, 2])
  losses = []
  for i, j in itertools.combinations(range(7), 2):
    distance = ((outputs[i] - outputs[j]) ** 2).sum()
    if classes[i] == classes[j]:
      loss = distance / 2
    else:
      loss = max(2 * 4 - distance, 0) / 2
    for one in (i, j):
      loss += 0.3 * np.abs(np.abs(outputs[one]) - 1).sum()
    losses.append(loss)
  found = float(
    deep_dsh.contrastive_loss(
      jnp.asarray(outputs), jnp.asarray(classes), regularization=0.3
    )
  )
  assert found == pytest.approx(np.mean(losses), rel=1e-5)


def test_codes_that_differ_in_half_of_their_bits_between_classes_cost_nothing():
  # Rows of a Hadamard matrix, each twice.
  rows = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1]], np.float32)
  classes = np.array([0, 0, 1, 1, 2, 2])
  loss = deep_dsh.contrastive_loss(
    jnp.asarray(rows[classes]), jnp.asarray(classes), regularization=0.01
  )
  assert float(loss) == 0.0
