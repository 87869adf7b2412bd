"""The three terms of the loss, and where it is least."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from dsth_jax.baselines import supervised_ssdh


def _loss(activations, logits, classes, clearness=1.0, evenness=1.0):
  outputs = jnp.asarray(activations), jnp.asarray(logits)
  return supervised_ssdh.semantics_loss(
    outputs, jnp.asarray(classes), clearness=clearness, evenness=evenness
  )


def test_loss_is_the_sum_of_its_terms():
  rng = np.random.default_rng(0)
  activations = rng.uniform(size=(6, 5)).astype(np.float32)
  logits = rng.normal(scale=2, size=(6, 3)).astype(np.float32)
  classes = np.array([0, 2, 1, 1, 0, 2])
  expected = 0.0
  for row, scores, label in zip(activations, logits, classes):
    expected -= np.log(scipy.special.softmax(scores)[label])
    expected -= 0.7 * np.mean([(value - 0.5) ** 2 for value in row])
    expected += 0.3 * (row.mean() - 0.5) ** 2
  found = float(_loss(activations, logits, classes, 0.7, 0.3))
  assert found == pytest.approx(expected / 6, rel=1e-5)


def test_of_all_activations_clear_and_even_ones_cost_least():
  logits, classes = np.zeros((1, 2), np.float32), np.array([0])
  clear = np.array([[0, 1, 1, 0]], np.float32)
  least = float(_loss(clear, logits, classes))
  assert least == pytest.approx(np.log(2) - 0.25, rel=1e-5)
  uneven, unclear = np.ones_like(clear), np.full_like(clear, 0.5)
  assert float(_loss(uneven, logits, classes)) == pytest.approx(np.log(2))
  assert float(_loss(unclear, logits, classes)) == pytest.approx(np.log(2))
  draws = jax.random.uniform(jax.random.key(0), (100, 1, 4))
  assert all(float(_loss(draw, logits, classes)) >= least for draw in draws)
