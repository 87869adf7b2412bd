"""Bi-half hashing (Bi-half): each bit splits each batch into two halves."""

import functools

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, Shaped

from dsth_jax.baselines import deep, deep_inputs, similarity
from dsth_jax.baselines.recipe import Recipe
from dsth_jax.types import ArrayLike

# Those of the authors' program for CIFAR-10, with ten times its learning rate. It
# takes 300 epochs. On 10,000 images of CIFAR-10, 30 epochs give nearly what 300
# give with their learning rate (mAP 0.408 and 0.413).
RECIPE = Recipe(optimizer="sgd", learning_rate=1e-3, batch_size=32)


def fit(
  inputs: Shaped[ArrayLike, "n ..."],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  features: Float[ArrayLike, "n d"] | None = None,
  recipe: Recipe = RECIPE,
  pull: float = 6.0,
) -> deep.NetworkEncoder:
  """Fits the cosines of balanced codes to those of the backbone's features.

  `Baseline` and `Recipe` describe the shared arguments.

  Settings:
    pull: see `halves`.

  Returns:
    The encoder; a bit is the sign of an output.

  Raises:
    ValueError: see `deep_inputs.with_features`.

  References:
    Li and van Gemert, Deep unsupervised image hashing by maximizing bit
    entropy, AAAI 2021: one linear layer on top of a frozen VGG.
  """
  del labels
  settings = deep.Settings("bihalf", num_bits, recipe)
  inputs, features = deep_inputs.with_features(settings, inputs, features)
  loss = functools.partial(halves_loss, pull=pull)
  return deep.fit(settings, inputs, loss, targets=features, key=key)


def halves_loss(
  outputs: Float[Array, "n b"], features: Float[Array, "n d"], *, pull: float
) -> Float[Array, ""]:
  """Compares the cosines of the halves' codes with those of the features.

  A mean, as in the authors' program; see `similarity.cosine_error`.
  """
  return similarity.cosine_error(halves(outputs, pull), features)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def halves(outputs: Float[Array, "n b"], pull: float) -> Float[Array, "n b"]:
  """Gives 1 to the larger half of each bit's outputs and -1 to the others.

  Of all codes B with half of each bit's signs positive these are the nearest
  to the outputs U. The layer passes its gradient to U and adds

      pull (U - B) / (n b),

  which pulls the outputs towards their codes.

  Args:
    outputs: U; of an odd number, the smaller half gets 1.
    pull: gamma of the paper named in `fit`.

  Returns:
    B.
  """
  ranks = jnp.argsort(jnp.argsort(-outputs, axis=0), axis=0)
  return jnp.where(ranks < len(outputs) // 2, 1.0, -1.0)


def _halves_forward(
  outputs: Array, pull: float
) -> tuple[Array, tuple[Array, Array]]:
  signs = halves(outputs, pull)
  return signs, (outputs, signs)


def _halves_backward(
  pull: float, saved: tuple[Array, Array], gradient: Array
) -> tuple[Array]:
  outputs, signs = saved
  return (gradient + pull * (outputs - signs) / outputs.size,)


halves.defvjp(_halves_forward, _halves_backward)
