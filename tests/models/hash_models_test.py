"""Every hash network, head and activation through one table."""

import itertools

import jax
import numpy as np
import pytest

from dsth_jax import models
from dsth_jax.models.hash_models import heads, simplenet

EVERY = list(
  itertools.product(models.HASH_MODELS, heads.HEADS, heads.ACTIVATIONS)
)


@pytest.mark.parametrize(("network", "head", "activation"), EVERY)
def test_gradients_are_finite_and_reach_every_parameter(
  key, network, head, activation
):
  model = models.HASH_MODELS[network](32, head=head, activation=activation)
  images = jax.random.uniform(key, (8, 32, 32, 3), minval=-1.0)
  variables = jax.jit(model.init)(key, images)
  statistics = {"batch_stats": variables["batch_stats"]}
  target = jax.random.normal(key, (8, 32))

  def loss(params):
    outputs, _ = model.apply(
      {"params": params, **statistics},
      images,
      train=True,
      mutable=["batch_stats"],
    )
    assert outputs.shape == (8, 32)
    return ((outputs - target) ** 2).mean()

  for path, gradient in jax.tree.leaves_with_path(
    jax.jit(jax.grad(loss))(variables["params"])
  ):
    assert np.isfinite(gradient).all(), path
    # A constant added before batch normalization is subtracted again.
    if "bias" not in jax.tree_util.keystr(path):
      assert np.abs(gradient).max() > 0, path


@pytest.mark.parametrize(
  ("image_size", "values"), [(32, 4 * 4 * 64), (96, 3 * 3 * 128)]
)
def test_trunk_has_the_shape_of_table_1(key, image_size, values):
  images = jax.numpy.zeros((1, image_size, image_size, 3))
  variables = jax.eval_shape(simplenet.SimpleNet(32).init, key, images)
  params = variables["params"]
  kernels = [params[name].shape for name in sorted(params) if "conv" in name]
  widths = simplenet.WIDTHS[image_size]
  assert kernels == [
    (5, 5, inputs, outputs)
    for inputs, outputs in zip((3, *widths), widths, strict=False)
  ]
  assert params["head"]["hidden"]["kernel"].shape == (values, 1024)


def test_training_form_equals_inference_form_without_norm(key):
  # Without batch statistics both forms compute one function, by the layers
  # for CPUs and by the plain ones; sums run in another order.
  model = simplenet.SimpleNet(16, activation="sigmoid", norm=False)
  images = jax.random.uniform(key, (4, 32, 32, 3), minval=-1.0)
  variables = jax.jit(model.init)(key, images)
  apply = jax.jit(model.apply, static_argnames="train")
  np.testing.assert_allclose(
    apply(variables, images, train=True), apply(variables, images), atol=1e-5
  )


def test_slice_head_bits_depend_on_their_own_group_alone(key):
  head = heads.SliceHead(num_bits=32)
  x = jax.random.normal(key, (1, 1024))
  variables = head.init(key, x)
  kernel = variables["params"]["hidden"]["kernel"]
  changed = {
    "params": {
      **variables["params"],
      "hidden": {
        **variables["params"]["hidden"],
        # The first of 16 groups of 64 hidden values.
        "kernel": kernel.at[:, :64].multiply(3.0),
      },
    }
  }
  before, after = head.apply(variables, x)[0], head.apply(changed, x)[0]
  differs = np.asarray(before != after)
  assert differs[:2].all()
  assert not differs[2:].any()


def test_batchnorm_activation_standardizes_every_bit(key):
  activation = heads.BatchNormActivation()
  x = 5.0 + 3.0 * jax.random.normal(key, (256, 8))
  variables = activation.init(key, x, True)
  assert "params" not in variables
  outputs, _ = activation.apply(variables, x, True, mutable=["batch_stats"])
  np.testing.assert_allclose(outputs.mean(0), np.zeros(8), atol=1e-5)
  # The variance is divided by itself plus epsilon = 1e-5.
  np.testing.assert_allclose(outputs.var(0), np.ones(8), atol=1e-4)


def test_slice_head_refuses_bits_that_its_groups_cannot_share(key):
  with pytest.raises(ValueError, match=r"num_bits is 40.*multiple of 16"):
    heads.SliceHead(num_bits=40).init(key, jax.numpy.zeros((1, 1024)))


def test_other_image_sizes_are_refused(key):
  with pytest.raises(ValueError, match=r"64 pixels.*32 and 96"):
    simplenet.SimpleNet(32).init(key, jax.numpy.zeros((1, 64, 64, 3)))
