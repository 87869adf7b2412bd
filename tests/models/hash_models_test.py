"""Every hash network, head and activation by one table."""

import itertools

import jax
import numpy as np
import pytest

from dsth_jax.models.hash_models import (
  HASH_MODELS,
  frozen_backbone,
  heads,
  simplenet,
  trunk,
)

# The settings of each network that its gradients are checked with.
EVERY = [
  *itertools.product(
    ["simplenet"],
    [
      {"head": head, "activation": activation}
      for head, activation in itertools.product(heads.HEADS, heads.ACTIVATIONS)
    ],
  ),
  *itertools.product(
    ["frozen_backbone"],
    [{"hidden_sizes": ()}, {"hidden_sizes": (6, 5), "activation": "sigmoid"}],
  ),
]


def test_the_width_multiplies_the_channels_of_table_1(key):
  images = jax.ShapeDtypeStruct((1, 96, 96, 3), np.float32)
  module = HASH_MODELS["simplenet"].build(16, {"width": 1.5})
  params = jax.eval_shape(module.init, key, images)["params"]
  shapes = [params[f"conv{number}"].shape for number in range(1, 6)]
  assert [shape[3] for shape in shapes] == [48, 48, 96, 96, 192]


def test_every_network_is_in_the_table():
  assert {network for network, _ in EVERY} == set(HASH_MODELS)


@pytest.mark.parametrize(("network", "settings"), EVERY)
def test_gradients_are_finite_and_reach_every_parameter(key, network, settings):
  model = HASH_MODELS[network]
  module = model.build(32, settings)
  shape = (8, 32, 32, 3) if model.inputs == "images" else (8, 12)
  inputs = model.preprocess(255 * jax.random.uniform(key, shape))
  variables = jax.jit(module.init)(key, inputs)
  statistics = {"batch_stats": variables["batch_stats"]}
  target = jax.random.normal(key, (8, 32))

  def loss(params):
    outputs, _ = module.apply(
      {"params": params, **statistics},
      inputs,
      train=True,
      mutable=["batch_stats"],
      rngs={"noise": key},
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
  widths = trunk.WIDTHS[image_size]
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


def test_slice_head_bits_depend_only_on_their_group(key):
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


def test_settings_that_a_network_does_not_have_are_left_out():
  settings = {"head": "mlp", "norm": False, "hidden_sizes": (3,), "seed": 1}
  net = HASH_MODELS["simplenet"].build(16, settings)
  assert (net.num_bits, net.head, net.norm) == (16, "mlp", False)
  head = HASH_MODELS["frozen_backbone"].build(24, settings)
  assert (head.num_bits, head.hidden_sizes) == (24, (3,))


def test_a_number_of_bits_that_the_head_cannot_have_is_refused():
  with pytest.raises(ValueError, match=r"num_bits is 40.*multiple of 16"):
    HASH_MODELS["simplenet"].check(40, {"head": "slice"})
  HASH_MODELS["simplenet"].check(40, {"head": "mlp"})
  HASH_MODELS["frozen_backbone"].check(40, {"head": "slice"})


def test_a_linear_head_is_one_matrix_on_standardized_features(key):
  x = 3 + 2 * jax.random.normal(key, (50, 6))
  net = frozen_backbone.FrozenBackbone(4, activation="identity")
  variables = net.init(key, x)
  mean, var = x.mean(0), x.var(0)
  variables = {
    **variables,
    "batch_stats": {"standardize": {"mean": mean, "var": var}},
  }
  dense = variables["params"]["bits"]
  expected = (x - mean[None]) / np.sqrt(var + 1e-5)[None] @ dense["kernel"]
  np.testing.assert_allclose(
    net.apply(variables, x), expected + dense["bias"][None], atol=1e-5
  )


def test_noise_is_in_standard_deviations_and_only_in_training(key):
  x = 100 * jax.random.normal(key, (4000, 2))
  net = frozen_backbone.FrozenBackbone(2, activation="identity")
  variables = net.init(key, x)
  kernel = {"kernel": np.eye(2, dtype=np.float32), "bias": np.zeros(2)}
  variables = {**variables, "params": {"bits": kernel}}

  def outputs(number):
    values, _ = net.apply(
      variables,
      x,
      train=True,
      mutable=["batch_stats"],
      rngs={"noise": jax.random.key(number)},
    )
    return values

  difference = np.std(np.asarray(outputs(1) - outputs(2)), axis=0)
  # Of two draws of half a standard deviation each; 4,000 draws of a normal
  # estimate it to 1 percent.
  np.testing.assert_allclose(difference, 0.5 * np.sqrt(2), rtol=0.05)


def test_a_rescaled_head_does_not_depend_on_the_scale_of_the_features(key):
  net = frozen_backbone.FrozenBackbone(
    5, activation="identity", input_noise=0.0, standardize_each=False
  )
  features = jax.random.normal(key, (64, 7)) * np.arange(1, 8)[None, :]
  variables = net.init(key, features)
  found, updated = net.apply(
    variables, features, train=True, mutable=["batch_stats"]
  )
  scaled, _ = net.apply(
    variables, 100 * features, train=True, mutable=["batch_stats"]
  )
  np.testing.assert_allclose(scaled, found, rtol=1e-4, atol=1e-5)
  # The same linear layer for all features: their proportions stay.
  layer = variables["params"]["bits"]
  size = np.sqrt(np.mean(np.square(features)))
  expected = features / size @ layer["kernel"] + layer["bias"][None, :]
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
  average = updated["batch_stats"]["rescale"]["mean_square"]
  assert float(average) == pytest.approx(0.9 + 0.1 * size**2, rel=1e-5)


@pytest.mark.parametrize("variance", [1.0, 1 / 3])
def test_a_head_begins_with_outputs_of_the_initial_variance(key, variance):
  net = frozen_backbone.FrozenBackbone(
    100, activation="identity", initial_variance=variance
  )
  features = jax.random.normal(key, (500, 400))
  outputs = net.apply(net.init(key, features), features)
  assert float(np.var(outputs)) == pytest.approx(variance, rel=0.05)
