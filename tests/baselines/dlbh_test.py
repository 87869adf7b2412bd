"""The classifier on top of the latent bits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from support.pictures import TINY

from dsth_jax import codes
from dsth_jax.baselines import Recipe, deep, dlbh, latent_classifier
from dsth_jax.models import hash_models


def test_the_classifier_reads_the_latent_values_and_is_removed(
  key, monkeypatch
):
  monkeypatch.setitem(hash_models.HASH_MODELS, "tiny", TINY)
  settings = deep.Settings("dlbh", 6, Recipe(network="tiny"))
  network = deep.make_network(settings, "sigmoid")
  model = latent_classifier.LatentClassifier(network, num_classes=3)
  images = jax.random.uniform(key, (5, 16, 16, 3), minval=-1.0)
  variables = jax.jit(model.init)(key, images)
  trained = deep.inner(deep.Trained(variables, np.zeros(1, np.float32)))
  latent = network.apply(trained.variables, images)
  classes = variables["params"]["classes"]
  expected = latent @ classes["kernel"] + classes["bias"][None, :]
  values, logits = model.apply(variables, images)
  np.testing.assert_allclose(values, latent, atol=1e-6)
  np.testing.assert_allclose(logits, expected, atol=1e-6)

  pixels = np.asarray(np.round((images + 1) * 127.5), np.uint8)
  encoder = deep.make_encoder(
    settings, network, trained, (16, 16, 3), threshold=codes.HALF
  )
  latent = network.apply(trained.variables, pixels / np.float32(127.5) - 1)
  found = encoder.encode(pixels)
  np.testing.assert_array_equal(found, np.asarray(latent) >= 0.5)


def test_cross_entropy_is_minus_the_logarithm_of_the_class_probability():
  rng = np.random.default_rng(0)
  logits = rng.normal(scale=3, size=(5, 4)).astype(np.float32)
  classes = np.array([0, 3, 1, 1, 2])
  chances = scipy.special.softmax(logits, axis=1)[np.arange(5), classes]
  outputs = jnp.zeros((5, 2)), jnp.asarray(logits)
  found = float(dlbh.class_loss(outputs, jnp.asarray(classes)))
  assert found == pytest.approx(-np.log(chances).mean(), rel=1e-5)
