"""The training loop and the encoder of the deep methods.

A method is a loss `loss(outputs, targets)` of a batch: outputs of the network,
and the rows of targets (classes, codes or features) that go with its inputs.
The network sees images or the backbone's features, as its recipe says.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, PyTree, Shaped, UInt8

from dsth_jax import codes, encode, train
from dsth_jax.baselines import recipe as recipe_lib
from dsth_jax.baselines.recipe import Recipe
from dsth_jax.models import inference
from dsth_jax.models.hash_models import HASH_MODELS, HashModel
from dsth_jax.runtime import sharding
from dsth_jax.types import ArrayLike

# Of images, where a method has no views of its own.
AUGMENTATION = train.Augmentation(flip=True, shift=3)

# Inputs in one call of the network that encodes.
_BATCH_SIZE = 256

Loss = Callable[[Any, Any], Array]


class Settings(NamedTuple):
  """The settings that all deep methods share.

  Attributes:
    method: for error messages.
    num_bits: b.
    recipe: of the training.
  """

  method: str
  num_bits: int
  recipe: Recipe

  @property
  def hash_model(self) -> HashModel:
    """The entry of the network."""
    return HASH_MODELS[self.recipe.network]

  @property
  def sees_features(self) -> bool:
    """Whether the network is a head on the backbone's features."""
    return self.hash_model.inputs == "features"


class Trained(NamedTuple):
  """A network after its training.

  Attributes:
    variables: of the network.
    losses: one per step, in order.
  """

  variables: PyTree[Array]
  losses: Float[np.ndarray, "t"]


class NetworkEncoder(NamedTuple):
  """Encodes by y_k = [f_k(x) >= threshold], f the trained network.

  Attributes:
    network: maps up to `_BATCH_SIZE` images or features to Float32[n b].
    thresholds: one per bit.
    losses: of the training, one per step, in order.
  """

  network: inference.ForwardBatch
  thresholds: Float[Array, "b"]
  losses: Float[np.ndarray, "t"]

  def encode(self, inputs: Shaped[ArrayLike, "n ..."]) -> UInt8[Array, "n b"]:
    """Returns codes of 0 and 1, one row per image.

    Args:
      inputs: UInt8[n s s 3] images or Float[n d] features, as in the training.

    Raises:
      ValueError: they have another size than in the training.
    """
    none = np.zeros((0, len(self.thresholds)), np.float32)
    values = encode.batch_values(self.network, inputs, _BATCH_SIZE)
    return codes.binarize(np.concatenate([none, *values]), self.thresholds)


def fit(
  settings: Settings,
  inputs: Shaped[np.ndarray, "n ..."],
  loss: Loss,
  *,
  targets: PyTree[np.ndarray],
  activation: str = "identity",
  wrap: Callable[[nn.Module], nn.Module] | None = None,
  augmentation: train.Augment | None = None,
  threshold: float = 0.0,
  key: Key[Array, ""],
) -> NetworkEncoder:
  """Trains a network with a loss and returns its encoder.

  Args:
    settings: shared by all methods.
    inputs: as `deep_inputs` checked them.
    loss: `loss(outputs, targets)` of a batch.
    targets: arrays with one row per image; None if the loss needs only inputs.
    activation: of the network's head.
    wrap: returns a module with the network in its field `network`. It is
      trained in place of the network, and does not encode.
    augmentation: see `train.make_step`. By default images are flipped and
      shifted, and features stay as they are.
    threshold: of every bit.
    key: of the weights, the order of the images, and the augmentation.
  """
  network = make_network(settings, activation)
  model = wrap(network) if wrap else network
  trained = learn(
    settings,
    model,
    inputs,
    loss,
    targets=targets,
    augmentation=augmentation,
    key=key,
  )
  if wrap:
    trained = inner(trained)
  return make_encoder(
    settings,
    network,
    trained,
    item_shape(settings, inputs),
    threshold=threshold,
  )


def make_network(settings: Settings, activation: str = "identity") -> nn.Module:
  """Returns an untrained network with fully connected last layers."""
  return settings.hash_model.build(
    settings.num_bits,
    {
      "head": "mlp",
      "activation": activation,
      "hidden_sizes": tuple(settings.recipe.hidden_sizes),
      "input_noise": 0.0,
      # A linear layer on the features themselves, of any scale, which begins
      # with small outputs as in PyTorch: small steps then change signs.
      "standardize_each": False,
      "initial_variance": 1 / 3,
    },
  )


def item_shape(
  settings: Settings, inputs: Shaped[ArrayLike, "n ..."]
) -> tuple[int, ...]:
  """Returns the shape of what the network sees of one image, or of one view."""
  return inputs.shape[-1:] if settings.sees_features else inputs.shape[1:]


def learn(
  settings: Settings,
  model: nn.Module,
  inputs: Shaped[np.ndarray, "n ..."],
  loss: Loss,
  *,
  targets: PyTree[np.ndarray],
  augmentation: train.Augment | None = None,
  start: PyTree[Array] = None,
  only: str = "",
  key: Key[Array, ""],
) -> Trained:
  """Trains a model; the arguments not listed are those of `fit`.

  Args:
    settings: see `fit`.
    model: maps preprocessed inputs to what the loss takes.
    inputs: see `fit`.
    loss: see `fit`.
    targets: see `fit`.
    augmentation: see `fit`.
    start: variables to begin with; drawn if None.
    only: the one layer to train; all layers if empty.
    key: see `fit`.
  """
  if augmentation is None and not settings.sees_features:
    augmentation = AUGMENTATION
  init_key, order_key, step_key = jax.random.split(key, 3)
  mesh, recipe = sharding.make_mesh(), settings.recipe
  num_steps = recipe.num_epochs * (len(inputs) // recipe.batch_size)
  optimizer = recipe_lib.optimizer(recipe, num_steps, only=only)
  state = train.init(
    model,
    optimizer,
    item_shape=item_shape(settings, inputs),
    mesh=mesh,
    key=init_key,
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
      inputs,
      targets,
      rows=np.arange(len(inputs)),
      num_steps=num_steps,
      batch_size=recipe.batch_size,
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
) -> NetworkEncoder:
  """Compiles a trained network for encoding, see `item_shape`."""
  preprocess = settings.hash_model.preprocess

  def forward(inputs: Array) -> Array:
    return jnp.asarray(network.apply(trained.variables, preprocess(inputs)))

  compiled = inference.compile_forward(
    forward, item_shape=item_shape, batch_size=_BATCH_SIZE
  )
  thresholds = jnp.full(settings.num_bits, threshold)
  return NetworkEncoder(compiled, thresholds, trained.losses)


def straight_through(
  values: Float[Array, "n b"], codes: Float[Array, "n b"]
) -> Float[Array, "n b"]:
  """Returns the codes exactly, with the gradient of the values."""
  return codes + (values - jax.lax.stop_gradient(values))
