"""The training loop and the encoder of the methods that learn from images.

A method is a loss `loss(outputs, targets)` of a batch: outputs of the network,
and the rows of targets (classes, codes or features) that go with the images.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float, Key, PyTree, UInt8

from dsth_jax import codes, encode, train
from dsth_jax.models import inference
from dsth_jax.models.hash_models import HASH_MODELS, HashModel
from dsth_jax.runtime import sharding
from dsth_jax.types import ArrayLike

# Used by every method; only the losses differ.
AUGMENTATION = train.Augmentation(flip=True, shift=3)
MOMENTUM = 0.9
WEIGHT_DECAY = 0.01

# Images in one call of the network that encodes.
_BATCH_SIZE = 256

Loss = Callable[[Any, Any], Array]


class Settings(NamedTuple):
  """The settings that all methods on images share.

  Attributes:
    method: the key in `BASELINES`, for error messages.
    num_bits: b.
    network: a name in `HASH_MODELS`, of a network on images. It gets a fully
      connected head.
    num_epochs: passes over the images.
    batch_size: images in a step, a multiple of the number of devices. Losses
      on pairs use the pairs within a batch.
    learning_rate: of AdamW, at the peak of a one-cycle schedule.
  """

  method: str
  num_bits: int
  network: str
  num_epochs: int
  batch_size: int
  learning_rate: float

  @property
  def hash_model(self) -> HashModel:
    """The entry of the network."""
    return HASH_MODELS[self.network]


class Trained(NamedTuple):
  """A network after its training.

  Attributes:
    variables: of the network.
    losses: one per step, in order.
  """

  variables: PyTree[Array]
  losses: Float[np.ndarray, "t"]


class ImageEncoder(NamedTuple):
  """Encodes by y_k = [f_k(image) >= threshold], f the trained network.

  Attributes:
    network: maps up to `_BATCH_SIZE` images to Float32[n b].
    thresholds: one per bit.
    losses: of the training, one per step, in order.
  """

  network: inference.ForwardBatch
  thresholds: Float[Array, "b"]
  losses: Float[np.ndarray, "t"]

  def encode(self, images: UInt8[ArrayLike, "n s s 3"]) -> UInt8[Array, "n b"]:
    """Returns codes of 0 and 1, one row per image.

    Raises:
      ValueError: the images are not of the size that was trained on.
    """
    none = np.zeros((0, len(self.thresholds)), np.float32)
    values = encode.batch_values(self.network, images, _BATCH_SIZE)
    return codes.binarize(np.concatenate([none, *values]), self.thresholds)


def fit(
  settings: Settings,
  images: UInt8[np.ndarray, "n s s 3"],
  loss: Loss,
  *,
  targets: PyTree[np.ndarray],
  activation: str = "identity",
  wrap: Callable[[nn.Module], nn.Module] | None = None,
  augmentation: train.Augment = AUGMENTATION,
  threshold: float = 0.0,
  key: Key[Array, ""],
) -> ImageEncoder:
  """Trains a network with a loss and returns its encoder.

  Args:
    settings: shared by all methods.
    images: as `deep_inputs` checked them.
    loss: `loss(outputs, targets)` of a batch.
    targets: arrays with one row per image; None if the loss needs only images.
    activation: of the network's head.
    wrap: returns a module with the network in its field `network`. It is
      trained in place of the network, and does not encode.
    augmentation: see `train.make_step`.
    threshold: of every bit.
    key: of the weights, the order of the images, and the augmentation.
  """
  network = make_network(settings, activation)
  model = wrap(network) if wrap else network
  trained = learn(
    settings,
    model,
    images,
    loss,
    targets=targets,
    augmentation=augmentation,
    key=key,
  )
  if wrap:
    trained = inner(trained)
  return make_encoder(
    settings, network, trained, images.shape[1:], threshold=threshold
  )


def make_network(settings: Settings, activation: str = "identity") -> nn.Module:
  """Returns an untrained network with a fully connected head."""
  return settings.hash_model.build(
    settings.num_bits, {"head": "mlp", "activation": activation}
  )


def learn(
  settings: Settings,
  model: nn.Module,
  images: UInt8[np.ndarray, "n s s 3"],
  loss: Loss,
  *,
  targets: PyTree[np.ndarray],
  augmentation: train.Augment = AUGMENTATION,
  start: PyTree[Array] = None,
  only: str = "",
  key: Key[Array, ""],
) -> Trained:
  """Trains a model; the arguments not listed are those of `fit`.

  Args:
    settings: see `fit`.
    model: maps preprocessed images to what the loss takes.
    images: see `fit`.
    loss: see `fit`.
    targets: see `fit`.
    augmentation: see `fit`.
    start: variables to begin with; drawn if None.
    only: the one layer to train; all layers if empty.
    key: see `fit`.
  """
  init_key, order_key, step_key = jax.random.split(key, 3)
  mesh = sharding.make_mesh()
  num_steps = settings.num_epochs * (len(images) // settings.batch_size)
  optimizer = _optimizer(settings.learning_rate, num_steps, only)
  state = train.init(
    model, optimizer, item_shape=images.shape[1:], mesh=mesh, key=init_key
  )
  if start is not None:
    # A step donates the memory of both, so they are separate arrays.
    copy = jax.tree.map(jnp.copy, start)
    state = state._replace(variables=start, averaged=copy)
  step = train.make_step(
    model,
    optimizer,
    preprocess=settings.hash_model.preprocess,
    augmentation=augmentation,
    averaging=0.0,
    mesh=mesh,
    loss=loss,
  )
  return _run(
    train.fit(
      state,
      step,
      images,
      targets,
      rows=np.arange(len(images)),
      num_steps=num_steps,
      batch_size=settings.batch_size,
      seed=int(jax.random.bits(order_key)),
      key=step_key,
      mesh=mesh,
    )
  )


def _run(
  steps: Iterator[tuple[train.TrainState, Array]],
) -> Trained:
  losses = []
  for state, loss in steps:
    last = state
    # Waits for the step: CPU devices that share cores can deadlock when steps
    # with exchanges between devices queue up.
    losses.append(float(loss))
  return Trained(last.variables, np.asarray(losses, np.float32))


def _optimizer(
  learning_rate: float, num_steps: int, only: str
) -> optax.GradientTransformation:
  schedule = train.one_cycle(num_steps=num_steps, peak_value=learning_rate)
  optimizer = train.adamw(
    schedule, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
  )

  def is_trained(path: jax.tree_util.KeyPath, _: Array) -> bool:
    return f"'{only}'" in jax.tree_util.keystr(path)

  if not only:
    return optimizer
  return optax.multi_transform(
    {True: optimizer, False: optax.set_to_zero()},
    functools.partial(jax.tree_util.tree_map_with_path, is_trained),
  )


def inner(trained: Trained) -> Trained:
  """Returns the variables of the `network` within a wrapped model."""
  variables = {
    kind: tree["network"] for kind, tree in trained.variables.items()
  }
  return trained._replace(variables=variables)


def make_encoder(
  settings: Settings,
  network: nn.Module,
  trained: Trained,
  item_shape: tuple[int, ...],
  *,
  threshold: float = 0.0,
) -> ImageEncoder:
  """Compiles a trained network for encoding images of shape (s, s, 3)."""
  preprocess = settings.hash_model.preprocess

  def forward(pixels: Array) -> Array:
    return jnp.asarray(network.apply(trained.variables, preprocess(pixels)))

  compiled = inference.compile_forward(
    forward, item_shape=item_shape, batch_size=_BATCH_SIZE
  )
  thresholds = jnp.full(settings.num_bits, threshold)
  return ImageEncoder(compiled, thresholds, trained.losses)


def straight_through(
  values: Float[Array, "n b"], codes: Float[Array, "n b"]
) -> Float[Array, "n b"]:
  """Returns the codes exactly, with the gradient of the values."""
  return codes + (values - jax.lax.stop_gradient(values))
