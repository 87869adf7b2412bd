"""Hash function learning: a network learns the hash labels from pixels."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float, Int, Key, UInt8

from dsth_jax import sharding
from dsth_jax.models import simplenet
from dsth_jax.types import ArrayLike


def squared_error(
  outputs: Float[Array, "n b"], codes: UInt8[Array, "n b"]
) -> Float[Array, ""]:
  """Returns the squared error to the bits, summed a code (Eq. 18).

  Eq. 18 sums over the batch; this is the mean over it, so that the learning
  rate does not depend on the batch size.
  """
  errors = jnp.square(outputs - codes.astype(outputs.dtype))
  return jnp.mean(jnp.sum(errors, axis=-1))


def one_cycle(
  *, num_steps: int, peak_value: float, warmup: float = 0.2
) -> optax.Schedule:
  """Rises to the peak and falls to nearly zero along cosines.

  References:
    Smith and Topin, Super-convergence, 2018.
  """
  return optax.cosine_onecycle_schedule(
    num_steps, peak_value, pct_start=warmup, div_factor=25.0
  )


def piecewise(
  *, values: tuple[float, ...], stage_steps: tuple[int, ...]
) -> optax.Schedule:
  """Holds each value for its number of steps (paper, section IV-C)."""
  boundaries = np.cumsum(stage_steps[:-1]).tolist()
  return optax.join_schedules(
    [optax.constant_schedule(value) for value in values], boundaries
  )


def sgd(
  schedule: optax.Schedule, *, momentum: float, weight_decay: float
) -> optax.GradientTransformation:
  """Returns Caffe's SGD: decay joins the gradient before the momentum."""
  return optax.chain(
    optax.add_decayed_weights(weight_decay, mask=_is_kernel),
    optax.sgd(schedule, momentum),
  )


def adamw(
  schedule: optax.Schedule, *, momentum: float, weight_decay: float
) -> optax.GradientTransformation:
  """Returns AdamW, whose first moment decays by `momentum`."""
  return optax.adamw(
    schedule, b1=momentum, weight_decay=weight_decay, mask=_is_kernel
  )


OPTIMIZERS = {"sgd": sgd, "adamw": adamw}


def _is_kernel(params: Any) -> Any:
  """Marks what weight decay shrinks: kernels, not biases and scales."""
  return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


class TrainState(NamedTuple):
  """All that a step changes; what a checkpoint holds.

  Attributes:
    step: steps done.
    variables: the network's variables as trained.
    averaged: their running average, which encodes.
    opt_state: the optimizer's state.
  """

  step: Int[Array, ""]
  variables: Any
  averaged: Any
  opt_state: Any


class Augmentation(NamedTuple):
  """Random changes that leave an image's neighbours the same.

  Attributes:
    flip: mirrors half of the images.
    shift: moves by up to so many pixels along each axis.
  """

  flip: bool
  shift: int


def augment(
  pixels: UInt8[Array, "n s s 3"],
  augmentation: Augmentation,
  key: Key[Array, ""],
) -> UInt8[Array, "n s s 3"]:
  """Flips and shifts every image by a draw of its own."""
  flip_key, shift_key = jax.random.split(key)
  num_images, size = pixels.shape[:2]
  if augmentation.flip:
    flipped = jax.random.bernoulli(flip_key, shape=(num_images, 1, 1, 1))
    pixels = jnp.where(flipped, pixels[:, :, ::-1], pixels)
  if augmentation.shift:
    border = augmentation.shift
    around = ((0, 0), (border, border), (border, border), (0, 0))
    padded = jnp.pad(pixels, around, mode="edge")
    corners = jax.random.randint(shift_key, (num_images, 2), 0, 2 * border + 1)

    def crop(image: Array, corner: Array) -> Array:
      start = (corner[0], corner[1], 0)
      return jax.lax.dynamic_slice(image, start, (size, size, 3))

    pixels = jax.vmap(crop)(padded, corners)
  return pixels


def init(
  model: nn.Module,
  optimizer: optax.GradientTransformation,
  *,
  image_size: int,
  mesh: jax.sharding.Mesh,
  key: Key[Array, ""],
) -> TrainState:
  """Returns the state before the first step, on every device of the mesh."""
  images = jnp.zeros((1, image_size, image_size, 3))
  variables = jax.jit(model.init)(key, images)
  state = TrainState(
    step=jnp.zeros((), jnp.int32),
    variables=variables,
    averaged=jax.tree.map(jnp.copy, variables),
    opt_state=optimizer.init(variables["params"]),
  )
  return jax.device_put(state, sharding.replicate(mesh))


Step = Callable[
  [TrainState, Array, Array, Array], tuple[TrainState, Float[Array, ""]]
]


def make_step(
  model: nn.Module,
  optimizer: optax.GradientTransformation,
  *,
  augmentation: Augmentation,
  averaging: float,
  mesh: jax.sharding.Mesh,
) -> Step:
  """Compiles one step, data-parallel over the mesh.

  Args:
    model: maps scaled images to one number a bit.
    optimizer: updates the parameters.
    augmentation: applied on the device.
    averaging: share of the old average that a step keeps; 0 keeps none. The
      first steps keep less, so that the start is forgotten.
    mesh: the batch is split over its devices.

  Returns:
    `step(state, pixels UInt8[n s s 3], codes UInt8[n b], key)`, which returns
    the new state and the loss. `state` is donated: use the new one.
  """

  def loss_of(
    params: Any, statistics: Any, images: Array, codes: Array
  ) -> tuple[Array, Any]:
    outputs, updated = model.apply(
      {"params": params, **statistics},
      images,
      train=True,
      mutable=list(statistics),
    )
    return squared_error(outputs, codes), updated

  def step(
    state: TrainState, pixels: Array, codes: Array, key: Array
  ) -> tuple[TrainState, Array]:
    key = jax.random.fold_in(key, state.step)
    images = simplenet.preprocess(augment(pixels, augmentation, key))
    statistics = dict(state.variables)
    params = statistics.pop("params")
    gradient = jax.value_and_grad(loss_of, has_aux=True)
    (loss, statistics), grads = gradient(params, statistics, images, codes)
    updates, opt_state = optimizer.update(grads, state.opt_state, params)
    params = optax.apply_updates(params, updates)
    variables = {"params": params, **statistics}
    keep = jnp.minimum(averaging, state.step / (state.step + 10.0))
    averaged = optax.incremental_update(variables, state.averaged, 1.0 - keep)
    return TrainState(state.step + 1, variables, averaged, opt_state), loss

  rows, everywhere = sharding.shard_rows(mesh), sharding.replicate(mesh)
  return jax.jit(
    step,
    in_shardings=(everywhere, rows, rows, everywhere),
    out_shardings=everywhere,
    donate_argnums=0,
  )


def batch_rows(
  num_rows: int, *, batch_size: int, seed: int, start: int = 0
) -> Iterator[Int[np.ndarray, "n"]]:
  """Yields the rows of each step's batch, forever, from step `start`.

  Every epoch is a permutation of its own, drawn from (seed, epoch) alone, so
  that a resumed run sees the batches the uninterrupted one would have seen.
  Rows that do not fill an epoch's last batch wait for another epoch.
  """
  steps_per_epoch = num_rows // batch_size
  epoch, step = divmod(start, steps_per_epoch)
  while True:
    order = np.random.default_rng((seed, epoch)).permutation(num_rows)
    for first in range(
      step * batch_size, num_rows - batch_size + 1, batch_size
    ):
      yield order[first : first + batch_size]
    epoch, step = epoch + 1, 0


def fit(
  state: TrainState,
  step: Step,
  pixels: UInt8[ArrayLike, "m s s 3"],
  codes: UInt8[ArrayLike, "n b"],
  *,
  pixel_rows: Int[np.ndarray, "n"],
  num_steps: int,
  batch_size: int,
  seed: int,
  key: Key[Array, ""],
) -> Iterator[tuple[TrainState, Float[Array, ""]]]:
  """Yields the state and the loss after every step up to `num_steps`.

  Args:
    state: where to go on; a fresh one, or a checkpoint's.
    step: from `make_step`.
    pixels: images; may be a memory map larger than memory.
    codes: hash labels of the training images, in {0, 1}.
    pixel_rows: the row in `pixels` of each training image.
    num_steps: of the whole run, those of `state` included.
    batch_size: images a step.
    seed: of the order of the images.
    key: of the augmentation.
  """
  first = int(state.step)
  order = batch_rows(len(codes), batch_size=batch_size, seed=seed, start=first)
  for _ in range(first, num_steps):
    # Sorted rows read a memory map in one direction; the batch is the same.
    rows = np.sort(next(order))
    state, loss = step(state, pixels[pixel_rows[rows]], codes[rows], key)
    yield state, loss
