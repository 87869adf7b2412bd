"""Greedy hash, unsupervised (GreedyHash): the sign itself is trained."""

import functools

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, Shaped, UInt8

from dsth_jax.baselines import deep, image_inputs, similarity
from dsth_jax.types import ArrayLike


def fit(
  images: UInt8[ArrayLike, "n s s 3"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  features: Float[ArrayLike, "n d"] | None = None,
  network: str = "simplenet",
  num_epochs: int = 5,
  batch_size: int = 128,
  learning_rate: float = 3e-3,
  penalty: float = 0.1,
) -> deep.ImageEncoder:
  """Learns signs whose cosines are those of a pretrained network's features.

  Args:
    images: uint8 pixels.
    labels: unused.
    num_bits: b.
    key: of the weights, the order of the images and the augmentation.
    features: of a pretrained network, one row an image.
    network: a name in `dsth_jax.models.HASH_MODELS`.
    num_epochs: passes over the images.
    batch_size: images a step; their pairs are what is learned from.
    learning_rate: at its peak.
    penalty: see `sign_loss`.

  Returns:
    The encoder; a bit is the sign of its output.

  Raises:
    ValueError: images or features cannot be learned from, see `image_inputs`.

  References:
    Su et al., Greedy hash: towards fast optimization for accurate hash coding
    in CNN, NeurIPS 2018, section 3.5. There one linear layer is trained on
    top of the pretrained network; here a network of its own, from pixels.
  """
  del labels
  training = deep.Training(num_epochs, batch_size, learning_rate)
  images = image_inputs.checked_images(
    "greedyhash", images, training, num_bits=num_bits
  )
  features = image_inputs.checked_features(
    "greedyhash", features, num_images=len(images), num_bits=num_bits
  )
  model = deep.make_network(
    "greedyhash", network, num_bits=num_bits, activation="identity"
  )
  trained = deep.learn(
    model,
    images,
    features,
    functools.partial(sign_loss, penalty=penalty),
    training=training,
    key=key,
  )
  return deep.make_encoder(model, trained, image_size=images.shape[1])


def sign_loss(
  outputs: Float[Array, "n b"],
  features: Float[Array, "n d"],
  *,
  penalty: float,
) -> Float[Array, ""]:
  """Compares cosines of signs and features, and holds outputs near 1 and -1.

      mean_ij (cos(sign u_i, sign u_j) - cos(x_i, x_j))^2
        + penalty mean_ik | |u_ik| - 1 |^3

  The sign hands its gradient on to u as it is.
  """
  signs = jnp.where(outputs >= 0, 1.0, -1.0)
  codes = deep.straight_through(outputs, signs)
  off_corner = jnp.mean(jnp.abs(jnp.abs(outputs) - 1) ** 3)
  return similarity.cosine_error(codes, features) + penalty * off_corner
