"""Training a backbone further: what changes, what stays, what is learned."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dsth_jax import train
from dsth_jax.runtime import sharding
from dsth_jax.train import fine_tuning

NUM_CLASSES = 3


class TwoLayers(nn.Module):
  """The smallest backbone with frozen batch statistics and two layers."""

  @nn.compact
  def __call__(self, x):
    x = nn.Dense(8, name="first")(x.reshape(x.shape[0], -1))
    x = nn.BatchNorm(use_running_average=True, name="norm")(x)
    return nn.relu(nn.Dense(8, name="second")(x))


class FromScratch(nn.Module):
  """A backbone that normalizes by the batch in training."""

  @nn.compact
  def __call__(self, x, train=False):
    x = nn.Dense(8, name="first")(x.reshape(x.shape[0], -1))
    return nn.BatchNorm(use_running_average=not train, name="norm")(x)


def _images(num_images=96):
  """Images whose class is the channel that is bright."""
  rng = np.random.default_rng(0)
  classes = np.arange(num_images) % NUM_CLASSES
  pixels = rng.integers(0, 120, (num_images, 4, 4, 3), np.uint8)
  pixels[np.arange(num_images), :, :, classes] += 100
  return pixels, classes


def _mesh():
  return sharding.make_mesh(jax.devices()[:1])


def _train(backbone, key, *, trained=None, pretrained=True, num_steps=60):
  """Returns the variables of the backbone before and after, and the losses."""
  pixels, classes = _images()
  mesh = _mesh()
  model = fine_tuning.Classifier(backbone, NUM_CLASSES, pretrained)
  optimizer = fine_tuning.freeze(optax.adam(0.02), trained)
  image = jnp.zeros((1, 4, 4, 3))
  before = backbone.init(key, image)
  state = fine_tuning.start(
    model,
    before if pretrained else {},
    optimizer,
    image_size=4,
    mesh=mesh,
    key=key,
  )
  step = train.make_step(
    model,
    optimizer,
    preprocess=lambda pixels: pixels / 255.0 - 0.5,
    augmentation=None,
    averaging=0.0,
    mesh=mesh,
    loss=fine_tuning.cross_entropy,
  )
  steps = train.fit(
    state,
    step,
    pixels,
    classes,
    rows=np.arange(len(classes)),
    num_steps=num_steps,
    batch_size=16,
    seed=0,
    key=key,
    mesh=mesh,
  )
  states, losses = zip(*steps, strict=True)
  assert step._cache_size() == 1
  return before, states[-1].variables, [float(loss) for loss in losses]


def _is_equal(one, other):
  same = jax.tree.map(np.array_equal, one, other)
  return all(jax.tree.leaves(same))


@pytest.mark.parametrize("pretrained", [True, False])
def test_separable_classes_are_learned(key, pretrained):
  backbone = TwoLayers() if pretrained else FromScratch()
  _, variables, losses = _train(backbone, key, pretrained=pretrained)
  assert np.mean(losses[-4:]) < 0.1 * np.mean(losses[:4])
  tuned, classifier = fine_tuning.split(variables)
  pixels, classes = _images(30)
  features = backbone.apply(tuned, jnp.asarray(pixels / 255.0 - 0.5))
  assert fine_tuning.accuracy(features, classifier, classes) == 1.0


def test_frozen_layers_and_their_statistics_keep_every_bit(key):
  before, variables, _ = _train(TwoLayers(), key, trained=("second",))
  after, _ = fine_tuning.split(variables)
  assert _is_equal(before["batch_stats"], after["batch_stats"])
  unchanged = {
    name: _is_equal(before["params"][name], after["params"][name])
    for name in before["params"]
  }
  assert unchanged == {"first": True, "norm": True, "second": False}


def test_all_parameters_but_no_statistics_of_a_pretrained_one_change(key):
  before, variables, _ = _train(TwoLayers(), key)
  after, _ = fine_tuning.split(variables)
  assert _is_equal(before["batch_stats"], after["batch_stats"])
  for name in before["params"]:
    assert not _is_equal(before["params"][name], after["params"][name])


def test_the_statistics_of_one_from_scratch_are_those_of_its_images(key):
  _, variables, _ = _train(FromScratch(), key, pretrained=False, num_steps=2)
  after, _ = fine_tuning.split(variables)
  assert np.all(np.asarray(after["batch_stats"]["norm"]["mean"]) != 0)


def test_frozen_layers_have_no_moments(key):
  params = {
    "backbone": TwoLayers().init(key, jnp.zeros((1, 4, 4, 3)))["params"],
    "classifier": {"kernel": jnp.ones((8, 3)), "bias": jnp.ones(3)},
  }
  every = optax.adam(0.1).init(params)
  some = fine_tuning.freeze(optax.adam(0.1), ("second",)).init(params)

  def size(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))

  frozen = size(params["backbone"]["first"]) + size(params["backbone"]["norm"])
  assert size(every) - size(some) == 2 * frozen


def test_cross_entropy_is_the_mean_over_the_batch():
  logits = np.array([[0.0, 0.0], [np.log(3.0), 0.0]], np.float32)
  classes = np.array([0, 1])
  found = fine_tuning.cross_entropy(jnp.asarray(logits), jnp.asarray(classes))
  assert float(found) == pytest.approx((np.log(2) + np.log(4)) / 2, abs=1e-6)


def test_weights_of_another_image_size_are_refused(key):
  module = TwoLayers()
  variables = module.init(key, jnp.zeros((1, 8, 8, 3)))
  with pytest.raises(ValueError, match=r"for images of 4 pixels .*image_size"):
    fine_tuning.start(
      fine_tuning.Classifier(module, NUM_CLASSES),
      variables,
      optax.adam(0.1),
      image_size=4,
      mesh=_mesh(),
      key=key,
    )


def test_accuracy_counts_the_highest_logits():
  classifier = {"kernel": np.eye(2, dtype=np.float32), "bias": np.zeros(2)}
  features = np.array([[2, 1], [0, 3], [5, 4], [1, 2]], np.float16)
  # Class -1 is one that the classifier does not know.
  classes = np.array([0, 1, 1, -1])
  assert fine_tuning.accuracy(features, classifier, classes) == 0.5


@pytest.mark.parametrize("num_rows", [3, 10, 41, 100])
def test_rows_are_drawn_in_proportion_to_the_classes(num_rows):
  sizes = np.array([60, 30, 10])
  classes = np.random.default_rng(0).permutation(np.repeat(range(3), sizes))
  rows = fine_tuning.proportional_rows(classes, num_rows, seed=1)
  assert len(np.unique(rows)) == len(rows) == num_rows
  assert (np.diff(rows) > 0).all()
  counts = np.bincount(classes[rows], minlength=3)
  assert counts.min() >= 1
  share = sizes * num_rows / 100
  # Only the one image that each class gets can take it above its share by more.
  assert (np.abs(counts - share) < 1).all() or num_rows == 3


def test_every_class_is_drawn_however_few_its_images_are():
  classes = np.repeat(range(5), [96, 1, 1, 1, 1])
  rows = fine_tuning.proportional_rows(classes, 6, seed=0)
  assert np.bincount(classes[rows]).tolist() == [2, 1, 1, 1, 1]


def test_the_draw_follows_the_seed_and_none_takes_all():
  classes = np.arange(100) % 4
  draws = [
    fine_tuning.proportional_rows(classes, 20, seed=seed) for seed in (0, 0, 1)
  ]
  np.testing.assert_array_equal(draws[0], draws[1])
  assert not np.array_equal(draws[0], draws[2])
  every = fine_tuning.proportional_rows(classes, 0, seed=0)
  np.testing.assert_array_equal(every, np.arange(100))


@pytest.mark.parametrize("num_rows", [3, 101])
def test_a_number_that_cannot_be_drawn_is_refused(num_rows):
  classes = np.arange(100) % 4
  with pytest.raises(ValueError, match=f"is {num_rows}, .* from 4 to 100, or"):
    fine_tuning.proportional_rows(classes, num_rows, seed=0)
