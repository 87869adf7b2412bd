"""How the methods that learn from images train a network and encode with it.

A method is a loss: of what the network returns for a batch, and of the rows
(classes, codes, features) that go with its images.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float, Key, UInt8

from dsth_jax import codes, encode, train
from dsth_jax.models import inference
from dsth_jax.models.hash_models import DEFAULT, HASH_MODELS
from dsth_jax.runtime import sharding
from dsth_jax.types import ArrayLike

# What every method trains with; the methods differ in their losses alone.
AUGMENTATION = train.Augmentation(flip=True, shift=3)
MOMENTUM = 0.9
WEIGHT_DECAY = 0.01

# Images a call of the network that encodes.
_BATCH_SIZE = 256


class Training(NamedTuple):
  """How long and how fast a network learns.

  Attributes:
    num_epochs: passes over the images.
    batch_size: images a step.
    learning_rate: of AdamW at the peak of one cycle.
  """

  num_epochs: int
  batch_size: int
  learning_rate: float


class Trained(NamedTuple):
  """A network after its training.

  Attributes:
    variables: of the network.
    losses: of every step, first to last.
  """

  variables: Any
  losses: Float[np.ndarray, "t"]


class ImageEncoder(NamedTuple):
  """Encodes by y_k = [f_k(image) >= threshold], f the trained network.

  Attributes:
    network: maps up to `_BATCH_SIZE` images to Float32[n b].
    thresholds: of every bit.
    losses: of every step of the training, first to last.
  """

  network: inference.ForwardBatch
  thresholds: Float[Array, "b"]
  losses: Float[np.ndarray, "t"]

  def encode(self, images: UInt8[ArrayLike, "n s s 3"]) -> UInt8[Array, "n b"]:
    """Returns codes of 0 and 1, one row an image.

    Args:
      images: of the size that the network was trained on.

    Raises:
      ValueError: the images have another size.
    """
    none = np.zeros((0, len(self.thresholds)), np.float32)
    values = encode.batch_values(self.network, images, _BATCH_SIZE)
    return codes.binarize(np.concatenate([none, *values]), self.thresholds)


def make_network(
  method: str, name: str, *, num_bits: int, activation: str
) -> nn.Module:
  """Returns an untrained hash function with a fully connected head."""
  if name not in HASH_MODELS:
    raise ValueError(
      f"{method} was asked for the network {name!r}, but there are "
      f"{', '.join(sorted(HASH_MODELS))}: pass one of them."
    )
  settings = {"head": "mlp", "activation": activation}
  return HASH_MODELS[name].build(num_bits, settings)


def learn(
  model: nn.Module,
  images: UInt8[np.ndarray, "n s s 3"],
  targets: Any,
  loss: Callable[[Any, Any], Array],
  *,
  training: Training,
  augmentation: train.Augment = AUGMENTATION,
  start: Any = None,
  only: str = "",
  key: Key[Array, ""],
) -> Trained:
  """Trains a network.

  Args:
    model: maps scaled images to what the loss takes.
    images: uint8 pixels.
    targets: arrays in any tree, a row for each image; None if the images are
      all that the loss needs.
    loss: `loss(outputs, targets)` of a batch.
    training: how long and how fast.
    augmentation: see `train.make_step`.
    start: variables to begin with; drawn if there are none.
    only: the layer that learns, the others staying as they are; all learn if
      none is named.
    key: of the weights, the order of the images and the augmentation.

  Returns:
    `Trained(variables, losses)`.
  """
  init_key, order_key, step_key = jax.random.split(key, 3)
  mesh = sharding.make_mesh()
  num_steps = training.num_epochs * (len(images) // training.batch_size)
  optimizer = _optimizer(training, num_steps, only)
  state = train.init(
    model, optimizer, item_shape=images.shape[1:], mesh=mesh, key=init_key
  )
  if start is not None:
    # The step gives the memory of both to its results.
    copy = jax.tree.map(jnp.copy, start)
    state = state._replace(variables=start, averaged=copy)
  step = train.make_step(
    model,
    optimizer,
    preprocess=HASH_MODELS[DEFAULT].preprocess,
    augmentation=augmentation,
    averaging=0.0,
    mesh=mesh,
    loss=loss,
  )
  steps = train.fit(
    state,
    step,
    images,
    targets,
    rows=np.arange(len(images)),
    num_steps=num_steps,
    batch_size=training.batch_size,
    seed=int(jax.random.bits(order_key)),
    key=step_key,
    mesh=mesh,
  )
  losses = []
  for new_state, loss_of_batch in steps:
    state = new_state
    # Waits for the step: CPU devices that share cores lock up when steps with
    # exchanges between them queue up.
    losses.append(float(loss_of_batch))
  return Trained(state.variables, np.asarray(losses, np.float32))


def _optimizer(
  training: Training, num_steps: int, only: str
) -> optax.GradientTransformation:
  schedule = train.one_cycle(
    num_steps=num_steps, peak_value=training.learning_rate
  )
  optimizer = train.adamw(
    schedule, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
  )

  def learns(path: Any, _leaf: Any) -> bool:
    return f"'{only}'" in jax.tree_util.keystr(path)

  if not only:
    return optimizer
  return optax.multi_transform(
    {True: optimizer, False: optax.set_to_zero()},
    functools.partial(jax.tree_util.tree_map_with_path, learns),
  )


def inner(trained: Trained) -> Trained:
  """Returns what was trained of the `network` that a module wraps."""
  variables = {
    kind: tree["network"] for kind, tree in trained.variables.items()
  }
  return trained._replace(variables=variables)


def make_encoder(
  network: nn.Module,
  trained: Trained,
  *,
  image_size: int,
  threshold: float = 0.0,
) -> ImageEncoder:
  """Compiles a trained network for encoding."""
  preprocess = HASH_MODELS[DEFAULT].preprocess

  def forward(pixels: Array) -> Array:
    return jnp.asarray(network.apply(trained.variables, preprocess(pixels)))

  compiled = inference.compile_forward(
    forward,
    item_shape=(image_size, image_size, 3),
    batch_size=_BATCH_SIZE,
  )
  thresholds = jnp.full(network.num_bits, threshold)
  return ImageEncoder(compiled, thresholds, trained.losses)


def straight_through(
  values: Float[Array, "n b"], codes: Float[Array, "n b"]
) -> Float[Array, "n b"]:
  """Returns the codes, to the bit, with the gradient of the values."""
  return codes + (values - jax.lax.stop_gradient(values))
