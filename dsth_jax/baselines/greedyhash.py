"""GreedyHash, unsupervised: a network trained through the sign function."""

import functools

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, Shaped

from dsth_jax.baselines import deep, deep_inputs, similarity
from dsth_jax.baselines.recipe import Recipe
from dsth_jax.types import ArrayLike

# Those of the authors' program for CIFAR-10, with ten times its learning rate. It
# takes 60 epochs, and 300 for 16 bits. On 10,000 images of CIFAR-10, 30 epochs
# give what 300 give with their learning rate (mAP 0.288 and 0.286).
RECIPE = Recipe(optimizer="sgd", learning_rate=1e-3, batch_size=32)


def fit(
  inputs: Shaped[ArrayLike, "n ..."],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  features: Float[ArrayLike, "n d"] | None = None,
  recipe: Recipe = RECIPE,
  penalty: float = 0.1,
) -> deep.NetworkEncoder:
  """Fits the cosines of signs to those of the backbone's features.

  `Baseline` and `Recipe` describe the shared arguments.

  Settings:
    penalty: see `sign_loss`.

  Returns:
    The encoder; a bit is the sign of an output.

  Raises:
    ValueError: see `deep_inputs.with_features`.

  References:
    Su et al., Greedy hash: towards fast optimization for accurate hash coding
    in CNN, NeurIPS 2018, section 3.5: one linear layer on top of a frozen VGG.
  """
  del labels
  settings = deep.Settings("greedyhash", num_bits, recipe)
  inputs, features = deep_inputs.with_features(settings, inputs, features)
  loss = functools.partial(sign_loss, penalty=penalty)
  return deep.fit(settings, inputs, loss, targets=features, key=key)


def sign_loss(
  outputs: Float[Array, "n b"],
  features: Float[Array, "n d"],
  *,
  penalty: float,
) -> Float[Array, ""]:
  """Compares cosines of signs and features, and holds outputs near 1 and -1.

      mean_ij (cos(sign u_i, sign u_j) - cos(x_i, x_j))^2
        + penalty mean_ik | |u_ik| - 1 |^3

  The sign passes its gradient to u as it is. Both terms are means, as in the
  authors' program.
  """
  signs = jnp.where(outputs >= 0, 1.0, -1.0)
  codes = deep.straight_through(outputs, signs)
  off_corner = jnp.mean(jnp.abs(jnp.abs(outputs) - 1) ** 3)
  return similarity.cosine_error(codes, features) + penalty * off_corner
