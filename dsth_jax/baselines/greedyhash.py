"""GreedyHash, unsupervised: a network trained through the sign function."""

import functools

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, Shaped, UInt8

from dsth_jax.baselines import deep, deep_inputs, similarity
from dsth_jax.models import hash_models
from dsth_jax.types import ArrayLike


def fit(
  images: UInt8[ArrayLike, "n s s 3"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  features: Float[ArrayLike, "n d"] | None = None,
  network: str = hash_models.DEFAULT,
  num_epochs: int = 5,
  batch_size: int = 128,
  learning_rate: float = 3e-3,
  penalty: float = 0.1,
) -> deep.ImageEncoder:
  """Fits the cosines of signs to those of the backbone's features.

  `Baseline.fit` and `deep.Settings` describe the shared arguments.

  Settings:
    penalty: see `sign_loss`.

  Returns:
    The encoder; a bit is the sign of an output.

  Raises:
    ValueError: see `deep_inputs.with_features`.

  References:
    Su et al., Greedy hash: towards fast optimization for accurate hash coding
    in CNN, NeurIPS 2018, section 3.5. There, one linear layer is trained on
    top of the backbone; here, a whole network from pixels.
  """
  del labels
  settings = deep.Settings(
    "greedyhash", num_bits, network, num_epochs, batch_size, learning_rate
  )
  images, features = deep_inputs.with_features(settings, images, features)
  loss = functools.partial(sign_loss, penalty=penalty)
  return deep.fit(settings, images, loss, targets=features, key=key)


def sign_loss(
  outputs: Float[Array, "n b"],
  features: Float[Array, "n d"],
  *,
  penalty: float,
) -> Float[Array, ""]:
  """Compares cosines of signs and features, and holds outputs near 1 and -1.

      mean_ij (cos(sign u_i, sign u_j) - cos(x_i, x_j))^2
        + penalty mean_ik | |u_ik| - 1 |^3

  The sign passes its gradient to u as it is.
  """
  signs = jnp.where(outputs >= 0, 1.0, -1.0)
  codes = deep.straight_through(outputs, signs)
  off_corner = jnp.mean(jnp.abs(jnp.abs(outputs) - 1) ** 3)
  return similarity.cosine_error(codes, features) + penalty * off_corner
