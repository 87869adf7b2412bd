"""The sign in the forward pass, the identity in the backward pass."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dsth_jax.baselines import greedyhash, similarity


def _batch():
  rng = np.random.default_rng(0)
  outputs = jnp.asarray(rng.normal(size=(8, 5)), jnp.float32)
  return outputs, jnp.asarray(rng.normal(size=(8, 6)), jnp.float32)


def test_loss_compares_the_signs_and_penalizes_the_outputs():
  outputs, features = _batch()
  signs = np.sign(np.asarray(outputs))
  products = signs @ signs.T / 5
  wanted = np.asarray(similarity.cosines(features))
  pairs = ~np.eye(8, dtype=bool)
  expected = ((products - wanted) ** 2)[pairs].mean()
  expected += 0.2 * (np.abs(np.abs(outputs) - 1) ** 3).mean()
  found = greedyhash.sign_loss(outputs, features, penalty=0.2)
  assert float(found) == pytest.approx(expected, rel=1e-5)


def test_gradient_passes_the_sign_unchanged():
  outputs, features = _batch()
  found = jax.grad(greedyhash.sign_loss)(outputs, features, penalty=0.2)
  of_signs = jax.grad(similarity.cosine_error)(jnp.sign(outputs), features)
  beyond = np.abs(outputs) - 1
  of_penalty = 3 * beyond * np.abs(beyond) * np.sign(outputs) / outputs.size
  # Float32 sums over eight rows.
  np.testing.assert_allclose(
    found, of_signs + 0.2 * of_penalty, rtol=1e-4, atol=1e-7
  )
