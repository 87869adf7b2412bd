"""SimpleNet as a backbone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dsth_jax import features
from dsth_jax.models.backbones import BACKBONES
from dsth_jax.models.hash_models import HASH_MODELS


def _shapes(image_size):
  module = BACKBONES["simplenet"].network("").module
  images = jax.ShapeDtypeStruct((2, image_size, image_size, 3), jnp.float32)
  variables = jax.eval_shape(module.init, jax.random.key(0), images)
  return module, variables, images


@pytest.mark.parametrize("image_size", [32, 96])
def test_it_has_the_layers_of_the_hash_network_without_its_head(image_size):
  module, variables, images = _shapes(image_size)
  network = HASH_MODELS["simplenet"].build(16, {})
  hashing = jax.eval_shape(network.init, jax.random.key(0), images)
  expected = dict(hashing["params"])
  expected["hidden"] = expected.pop("head")["hidden"]
  assert variables["params"] == expected
  found = jax.eval_shape(module.apply, variables, images)
  assert found.shape == (2, BACKBONES["simplenet"].num_features)


def test_it_normalizes_by_the_batch_only_in_training(key):
  module = BACKBONES["simplenet"].network("").module
  images = jax.random.normal(key, (4, 32, 32, 3))
  variables = jax.jit(module.init)(key, images)
  single = module.apply(variables, images[:1])
  np.testing.assert_allclose(
    module.apply(variables, images)[:1], single, atol=1e-5
  )
  trained, updated = module.apply(
    variables, images, train=True, mutable=["batch_stats"]
  )
  assert np.abs(np.asarray(trained[:1] - single)).max() > 0.01
  before = jax.tree.leaves(variables["batch_stats"])
  for one, other in zip(before, jax.tree.leaves(updated["batch_stats"])):
    assert not np.array_equal(one, other)


def test_it_describes_nothing_before_it_is_trained():
  with pytest.raises(ValueError, match=r"no pretrained weights: train it with"):
    features.backbone("simplenet", image_size=32, batch_size=2)


@pytest.mark.parametrize(
  "name", [n for n in BACKBONES if n.startswith("efficientnet")]
)
def test_the_last_layers_are_layers_of_the_network(name):
  record = BACKBONES[name]
  params = record.network("").variables["params"]
  blocks = [layer for layer in params if layer.startswith("block_")]
  assert set(record.last) == {f"block_{len(blocks) - 1}", "head"}
