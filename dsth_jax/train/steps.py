"""The loss, the state that a step changes, the step, and the loop."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float, Int, Key, Num, Shaped

from dsth_jax.runtime import sharding
from dsth_jax.train import augmentation as augmentation_lib
from dsth_jax.train.augmentation import Augment
from dsth_jax.types import ArrayLike


def squared_error(
  outputs: Float[Array, "n b"], codes: Num[Array, "n b"]
) -> Float[Array, ""]:
  """Returns the squared error to the bits, summed over a code (Eq. 18).

  Eq. 18 also sums over the batch. This is the mean over it, so that the learning
  rate does not depend on the batch size: with SGD, the sum over n images at a
  rate r is this at a rate n r. Caffe's EuclideanLoss is one half of this.
  """
  errors = jnp.square(outputs - codes.astype(outputs.dtype))
  return jnp.mean(jnp.sum(errors, axis=-1))


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


def init(
  model: nn.Module,
  optimizer: optax.GradientTransformation,
  *,
  item_shape: tuple[int, ...],
  mesh: jax.sharding.Mesh,
  key: Key[Array, ""],
) -> TrainState:
  """Returns the state before the first step, on every device of the mesh.

  Args:
    model: the network.
    optimizer: of its parameters.
    item_shape: of one input: (s, s, 3) for images, (d,) for features.
    mesh: of the step.
    key: draws the parameters.
  """
  variables = jax.jit(model.init)(key, jnp.zeros((1, *item_shape)))
  return start_from(variables, optimizer, mesh=mesh)


def start_from(
  variables: Any,
  optimizer: optax.GradientTransformation,
  *,
  mesh: jax.sharding.Mesh,
) -> TrainState:
  """Returns the state before the first step, from given variables.

  A step overwrites the arrays of its state, so these are copied.
  """
  variables = jax.tree.map(jnp.array, variables)
  state = TrainState(
    step=jnp.zeros((), jnp.int32),
    variables=variables,
    averaged=jax.tree.map(jnp.copy, variables),
    opt_state=optimizer.init(variables["params"]),
  )
  return sharding.place_whole(mesh, state)


Step = Callable[
  [TrainState, Array, Any, Array], tuple[TrainState, Float[Array, ""]]
]

# fold_in(key, i) is the i-th key that an augmentation may split off.
_NOISE = 2**31 - 1
_MIXUP = 2**31 - 2


def make_step(
  model: nn.Module,
  optimizer: optax.GradientTransformation,
  *,
  preprocess: Callable[[Array], Array],
  augmentation: Augment | None,
  averaging: float,
  mesh: jax.sharding.Mesh,
  mixup: float = 0.0,
  loss: Callable[[Any, Any], Array] = squared_error,
) -> Step:
  """Compiles one step, data-parallel over the mesh.

  Args:
    model: maps preprocessed inputs to one number a bit.
    optimizer: updates the parameters.
    preprocess: see `HashModel.preprocess`; after the augmentation.
    augmentation: flips and shifts, or other views of the images; None leaves
      the inputs as they are.
    averaging: share of the old average that a step keeps; 0 keeps none. The
      first steps keep less, so that the start is forgotten.
    mesh: the batch is split over its devices.
    mixup: alpha of `augmentation.mixup`, for targets that are one array; 0
      blends nothing.
    loss: `loss(outputs, targets)` of what the model returns and of the rows
      that go with the inputs: a batch's loss.

  Returns:
    `step(state, inputs, targets, key)`, with images UInt8[n s s 3] or features
    Float[n d] as inputs, which returns the new state and the loss. `state` is
    donated: use the new one.
  """

  def loss_of(
    params: Any, statistics: Any, inputs: Array, targets: Any, key: Array
  ) -> tuple[Array, Any]:
    outputs, updated = model.apply(
      {"params": params, **statistics},
      inputs,
      train=True,
      mutable=list(statistics),
      # For models that draw while they train, under the name "noise".
      rngs={"noise": jax.random.fold_in(key, _NOISE)},
    )
    return loss(outputs, targets), updated

  def step(
    state: TrainState, inputs: Array, targets: Any, key: Array
  ) -> tuple[TrainState, Array]:
    key = jax.random.fold_in(key, state.step)
    if augmentation is not None:
      inputs = augmentation(inputs, key)
    inputs = preprocess(inputs)
    if mixup:
      mixup_key = jax.random.fold_in(key, _MIXUP)
      inputs, targets = augmentation_lib.mixup(
        inputs, targets, mixup, mixup_key
      )
    statistics = dict(state.variables)
    params = statistics.pop("params")
    gradient = jax.value_and_grad(loss_of, has_aux=True)
    (batch_loss, statistics), grads = gradient(
      params, statistics, inputs, targets, key
    )
    updates, opt_state = optimizer.update(grads, state.opt_state, params)
    params = optax.apply_updates(params, updates)
    variables = {"params": params, **statistics}
    keep = jnp.minimum(averaging, state.step / (state.step + 10.0))
    averaged = optax.incremental_update(variables, state.averaged, 1.0 - keep)
    state = TrainState(state.step + 1, variables, averaged, opt_state)
    return state, batch_loss

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

  Every epoch is a permutation of its own, drawn only from (seed, epoch), so
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


@runtime_checkable
class Rows(Protocol):
  """Images that are read on access, by their rows."""

  @property
  def shape(self) -> tuple[int, ...]:
    """Of all images."""
    ...

  def __getitem__(self, rows: Int[np.ndarray, "m"], /) -> np.ndarray: ...


def fit(
  state: TrainState,
  step: Step,
  inputs: Shaped[ArrayLike, "m ..."] | Rows,
  targets: Any,
  *,
  rows: Int[np.ndarray, "n"],
  num_steps: int,
  batch_size: int,
  seed: int,
  key: Key[Array, ""],
  mesh: jax.sharding.Mesh,
) -> Iterator[tuple[TrainState, Float[Array, ""]]]:
  """Yields the state and the loss after every step up to `num_steps`.

  Args:
    state: where to go on; a fresh one, or a checkpoint's.
    step: from `make_step`.
    inputs: images or features; may be a memory map larger than memory, or
      read on access.
    targets: what the loss compares with, one row a training image: hash
      labels UInt8[n b], or arrays in any tree.
    rows: the row in `inputs` of each training image.
    num_steps: of the whole run, those of `state` included.
    batch_size: images a step.
    seed: of the order of the images.
    key: of the augmentation.
    mesh: of the step; each process reads the images of its own devices.
  """
  key = sharding.place_whole(mesh, key)
  targets = jax.tree.map(np.asarray, targets)
  first = int(state.step)
  order = batch_rows(len(rows), batch_size=batch_size, seed=seed, start=first)
  for _ in range(first, num_steps):
    # Sorted rows read a memory map in one direction; the batch is the same.
    batch = np.sort(next(order))
    place = functools.partial(_place_batch, mesh, batch)
    placed = place(inputs, rows)
    state, loss = step(state, placed, jax.tree.map(place, targets), key)
    yield state, loss


def _place_batch(
  mesh: jax.sharding.Mesh,
  batch: Int[np.ndarray, "b"],
  array: ArrayLike | Rows,
  rows: Int[np.ndarray, "n"] | None = None,
) -> Shaped[Array, "b *c"]:
  """Returns a batch of the rows of an array, split over the devices."""
  places = batch if rows is None else rows[batch]
  return sharding.place_rows(
    mesh,
    lambda start, size: np.asarray(array[places[start : start + size]]),
    shape=(len(batch), *array.shape[1:]),
  )
