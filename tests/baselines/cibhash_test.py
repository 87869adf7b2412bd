"""Codes that are drawn, told apart and kept short."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from support.pictures import TinyNet

from dsth_jax.baselines import cibhash, similarity


def test_contrast_is_the_cross_entropy_of_the_partner():
  rng = np.random.default_rng(0)
  codes = jnp.sign(jnp.asarray(rng.normal(size=(8, 5)), jnp.float32))
  cosines = np.asarray(similarity.cosines(codes), np.float64)
  losses = []
  for i in range(8):
    others = [k for k in range(8) if k != i]
    chances = scipy.special.softmax(cosines[i, others] / 0.3)
    losses.append(-np.log(chances[others.index((i + 4) % 8)]))
  found = float(cibhash.contrast(codes, 0.3))
  assert found == pytest.approx(np.mean(losses), rel=1e-5)


def test_divergence_is_that_of_bernoulli_distributions():
  rng = np.random.default_rng(0)
  logits, others = jnp.asarray(rng.normal(scale=2, size=(2, 6, 4)), jnp.float32)
  p, q = (scipy.special.expit(np.asarray(x)) for x in (logits, others))
  terms = scipy.special.rel_entr(p, q) + scipy.special.rel_entr(1 - p, 1 - q)
  found = float(cibhash.divergence(logits, others))
  assert found == pytest.approx(terms.sum(1).mean(), rel=1e-5)


def test_divergence_and_its_gradient_are_finite_where_bits_are_certain():
  logits = jnp.array([[200.0, -200.0, 30.0]])
  value, gradient = jax.value_and_grad(cibhash.divergence)(logits, -logits)
  assert np.isfinite(value)
  assert np.isfinite(gradient).all()


def test_nothing_flows_back_to_the_other_view():
  logits, others = jnp.ones((2, 3)), jnp.zeros((2, 3))
  gradient = jax.grad(cibhash.divergence, argnums=1)(logits, others)
  np.testing.assert_array_equal(gradient, np.zeros((2, 3)))


def test_loss_weighs_the_divergence_both_ways():
  rng = np.random.default_rng(0)
  logits = jnp.asarray(rng.normal(size=(8, 5)), jnp.float32)
  codes = jnp.sign(logits)
  found = cibhash.bottleneck_loss(
    (logits, codes), None, temperature=0.3, bottleneck=0.5
  )
  first, second = logits[:4], logits[4:]
  apart = cibhash.divergence(first, second) + cibhash.divergence(second, first)
  expected = float(cibhash.contrast(codes, 0.3)) + 0.25 * float(apart)
  assert float(found) == pytest.approx(expected, rel=1e-5)


def test_two_different_views_of_each_image_are_drawn(key):
  views = jnp.arange(300 * 3, dtype=jnp.float32).reshape(300, 3, 1)
  drawn = np.asarray(cibhash.draw_two(views, key))[:, 0].astype(int)
  first, second = np.split(drawn, 2)
  rows = np.arange(300)
  np.testing.assert_array_equal(first // 3, rows)
  np.testing.assert_array_equal(second // 3, rows)
  pairs = set(zip((first % 3).tolist(), (second % 3).tolist()))
  assert pairs == {(i, j) for i in range(3) for j in range(3) if i != j}


def test_bits_are_drawn_in_training_and_the_likeliest_otherwise(key):
  network = TinyNet(num_bits=4, head="mlp", activation="identity")
  model = cibhash.BernoulliCodes(network)
  image = jax.random.uniform(key, (1, 16, 16, 3), minval=-1.0)
  # Without batch statistics of its own: the variance of equal images is zero.
  images = jnp.tile(image, (4000, 1, 1, 1))
  variables = jax.jit(model.init)(key, images)
  logits, codes = model.apply(variables, images)
  np.testing.assert_array_equal(codes, np.where(logits > 0, 1, -1))
  (logits, codes), _ = model.apply(
    variables,
    images,
    train=True,
    mutable=["batch_stats"],
    rngs={"noise": key},
  )
  chances = scipy.special.expit(np.asarray(logits[0]))
  assert set(np.unique(codes)) == {-1.0, 1.0}
  frequencies = (np.asarray(codes) == 1).mean(0)
  error = np.sqrt(chances * (1 - chances) / 4000)
  assert (np.abs(frequencies - chances) <= 4 * error).all()


def test_a_bit_hands_its_gradient_to_its_mean(key):
  class Pass(nn.Module):
    num_bits: int = 3

    def __call__(self, x, train=False):
      return x[:, 0, 0]

  model = cibhash.BernoulliCodes(Pass())
  logits = jax.random.normal(key, (5, 3))
  weights = jax.random.normal(jax.random.key(1), (5, 3))

  def total(logits):
    x = logits[:, None, None]
    _, codes = model.apply({}, x, train=True, rngs={"noise": key})
    return jnp.sum(weights * codes)

  p = scipy.special.expit(np.asarray(logits))
  expected = weights * 2 * p * (1 - p)
  np.testing.assert_allclose(jax.grad(total)(logits), expected, rtol=1e-5)
