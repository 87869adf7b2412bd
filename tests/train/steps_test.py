"""The training step, the order of images, and resuming."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dsth_jax import train
from dsth_jax.models.hash_models import trunk
from dsth_jax.runtime import sharding
from dsth_jax.train import steps as steps_lib

EVERY_CHANGE = train.Augmentation(flip=True, shift=1)


NO_CHANGE = train.Augmentation(flip=False, shift=0)


class Linear(nn.Module):
  """The smallest network with batch statistics."""

  num_bits: int = 8

  @nn.compact
  def __call__(self, x, train=False):
    x = nn.Dense(self.num_bits)(x.reshape(x.shape[0], -1))
    return nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)


def _data(num_images=64, num_bits=8):
  rng = np.random.default_rng(0)
  pixels = rng.integers(0, 256, (num_images, 4, 4, 3), np.uint8)
  brightness = pixels.reshape(num_images, -1)[:, :num_bits]
  return pixels, (brightness > 127).astype(np.uint8)


def _run(
  key,
  *,
  state=None,
  num_steps=12,
  mesh=None,
  averaging=0.5,
  augmentation=EVERY_CHANGE,
):
  model, optimizer = Linear(), optax.adam(0.05)
  pixels, codes = _data()
  mesh = mesh or sharding.make_mesh()
  step = train.make_step(
    model,
    optimizer,
    preprocess=trunk.preprocess,
    augmentation=augmentation,
    averaging=averaging,
    mesh=mesh,
  )
  start = state or train.init(
    model, optimizer, item_shape=(4, 4, 3), mesh=mesh, key=key
  )
  steps = train.fit(
    start,
    step,
    pixels,
    codes,
    rows=np.arange(len(codes)),
    num_steps=num_steps,
    batch_size=16,
    seed=3,
    key=key,
    mesh=mesh,
  )
  states, losses = zip(*steps, strict=True)
  assert step._cache_size() == 1
  return states[-1], [float(loss) for loss in losses]


def test_a_step_learns_from_blended_images_and_codes(key):
  model, optimizer = Linear(), optax.sgd(0.1)
  pixels, codes = _data()
  mesh = sharding.make_mesh()
  seen = []

  def loss(outputs, targets):
    seen.append(targets.dtype)
    return train.squared_error(outputs, targets)

  losses = {}
  for mixup in (0.0, 0.4):
    state = train.init(
      model, optimizer, item_shape=(4, 4, 3), mesh=mesh, key=key
    )
    step = train.make_step(
      model,
      optimizer,
      preprocess=trunk.preprocess,
      augmentation=None,
      averaging=0.0,
      mesh=mesh,
      mixup=mixup,
      loss=loss,
    )
    _, losses[mixup] = step(state, pixels, codes, key)
  assert [str(dtype) for dtype in seen] == ["uint8", "float32"]
  assert losses[0.4] != losses[0.0]


def test_squared_error_is_equation_18_over_the_batch():
  outputs = np.array([[0.5, 1.0], [0.0, -1.0]], np.float32)
  codes = np.array([[1, 1], [0, 0]], np.uint8)
  loss = train.squared_error(jnp.asarray(outputs), jnp.asarray(codes))
  assert float(loss) == pytest.approx((0.25 + 0.0 + 0.0 + 1.0) / 2)


def test_loss_falls_with_one_compilation(key):
  _, losses = _run(key, num_steps=60, augmentation=NO_CHANGE)
  assert np.mean(losses[-4:]) < 0.5 * np.mean(losses[:4])


def test_resumed_run_equals_the_uninterrupted_one_bit_for_bit(key):
  whole, losses = _run(key)
  half, first = _run(key, num_steps=7)
  resumed, second = _run(key, state=half)
  assert first + second == losses
  jax.tree.map(np.testing.assert_array_equal, whole, resumed)


@pytest.mark.multidevice
def test_eight_devices_equal_one(key):
  one = jax.make_mesh(
    (1,), ("rows",), (jax.sharding.AxisType.Auto,), devices=jax.devices()[:1]
  )
  _, on_one = _run(key, mesh=one)
  _, on_eight = _run(key)
  # Eight partial sums in place of one, over twelve steps of Adam.
  np.testing.assert_allclose(on_eight, on_one, rtol=1e-3)


def _two_views(pixels, key):
  return jnp.concatenate([pixels, EVERY_CHANGE(pixels, key)])


class Noisy(nn.Module):
  """Returns the brightness of each image and a random number."""

  @nn.compact
  def __call__(self, x, train=False):
    scale = self.param("scale", nn.initializers.ones, (1,))
    drawn = jax.random.uniform(self.make_rng("noise"), x.shape[:1])
    return scale * x.mean((1, 2, 3)), drawn if train else 0 * drawn


def test_loss_gets_the_outputs_and_the_rows_of_the_targets(key):
  pixels, codes = _data()
  targets = {"codes": codes, "row": np.arange(64)}
  seen = []

  def remember(brightness, drawn, rows):
    seen.append([np.asarray(x) for x in (brightness, drawn, rows)])

  def loss(outputs, targets):
    assert targets["codes"].shape == (16, 8)
    jax.debug.callback(remember, *outputs, targets["row"])
    return jnp.sum(targets["row"].astype(jnp.float32)) + 0 * outputs[0].sum()

  one = jax.make_mesh(
    (1,), ("rows",), (jax.sharding.AxisType.Auto,), devices=jax.devices()[:1]
  )
  model, optimizer = Noisy(), optax.sgd(0.0)
  step = train.make_step(
    model,
    optimizer,
    preprocess=trunk.preprocess,
    augmentation=_two_views,
    averaging=0.0,
    mesh=one,
    loss=loss,
  )
  state = train.init(model, optimizer, item_shape=(4, 4, 3), mesh=one, key=key)
  settings = {"rows": np.arange(64), "batch_size": 16, "seed": 3}
  steps = train.fit(
    state, step, pixels, targets, num_steps=4, key=key, mesh=one, **settings
  )
  losses = [float(loss) for _, loss in steps]
  jax.effects_barrier()
  brightness, drawn, rows = (np.stack(x) for x in zip(*seen, strict=True))
  np.testing.assert_array_equal(rows.sum(1), losses)
  np.testing.assert_array_equal(np.sort(rows.ravel()), np.arange(64))
  # The first view is the image of the row, the second is augmented.
  expected = pixels.reshape(64, -1).mean(1)[rows] / 127.5 - 1
  np.testing.assert_allclose(brightness[:, :16], expected, atol=1e-6)
  assert (np.abs(brightness[:, 16:] - expected) > 1e-6).mean() > 0.5
  # Every step and view draws other numbers.
  assert len(np.unique(drawn)) == drawn.size == 4 * 32


def test_noise_is_not_drawn_with_a_key_of_the_augmentation(key):
  augmented = jax.random.key_data(jax.random.split(key, 1000))
  noise = jax.random.key_data(jax.random.fold_in(key, steps_lib._NOISE))
  assert (np.asarray(augmented) != np.asarray(noise)).any(1).all()


def test_averaging_of_zero_keeps_the_newest_weights(key):
  state, _ = _run(key, averaging=0.0)
  jax.tree.map(np.testing.assert_array_equal, state.averaged, state.variables)


def test_weights_are_averaged_with_a_short_memory_at_first(key):
  before, _ = _run(key, averaging=0.9, num_steps=3)
  expected, newest = before.averaged, None
  for step in (3, 4):
    # A new run, since a step takes the memory of the state that it gets.
    newest, _ = _run(key, averaging=0.9, num_steps=step + 1)
    keep = min(0.9, step / (step + 10))
    expected = jax.tree.map(
      lambda old, new, keep=keep: keep * old + (1 - keep) * new,
      expected,
      newest.variables,
    )
  jax.tree.map(
    lambda *pair: np.testing.assert_allclose(*pair, rtol=1e-5, atol=1e-6),
    newest.averaged,
    expected,
  )


def test_every_epoch_visits_every_row_once_in_another_order():
  rows = train.batch_rows(12, batch_size=4, seed=0)
  epochs = [np.concatenate([next(rows) for _ in range(3)]) for _ in range(3)]
  for epoch in epochs:
    np.testing.assert_array_equal(np.sort(epoch), np.arange(12))
  assert not np.array_equal(epochs[0], epochs[1])


@pytest.mark.parametrize("start", [0, 1, 3, 7])
def test_batches_from_a_later_start_are_the_same_batches(start):
  whole = train.batch_rows(14, batch_size=4, seed=1)
  for _ in range(start):
    next(whole)
  later = train.batch_rows(14, batch_size=4, seed=1, start=start)
  for _ in range(8):
    np.testing.assert_array_equal(next(whole), next(later))
