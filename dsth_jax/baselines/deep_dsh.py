"""Deep supervised hashing (DSH): a contrastive loss on pairs of images."""

import functools

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int, Key, Shaped

from dsth_jax.baselines import deep, deep_inputs
from dsth_jax.baselines.recipe import Recipe
from dsth_jax.types import ArrayLike

# Those of the authors, without the steps of their learning rate. Batches are
# large, so that an epoch has few of them.
RECIPE = Recipe(
  optimizer="sgd",
  learning_rate=1e-3,
  weight_decay=4e-3,
  batch_size=200,
  num_epochs=100,
)


def fit(
  inputs: Shaped[ArrayLike, "n ..."],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  recipe: Recipe = RECIPE,
  regularization: float = 0.01,
) -> deep.NetworkEncoder:
  """Learns outputs near 1 and -1 that are close only within a class.

  `Baseline` and `Recipe` describe the shared arguments.

  Settings:
    regularization: see `contrastive_loss`.

  Returns:
    The encoder; a bit is the sign of an output.

  Raises:
    ValueError: see `deep_inputs.with_classes`.

  References:
    Liu et al., Deep supervised hashing for fast image retrieval, CVPR 2016.
    There, three convolutional layers are trained from pixels; a head on a
    frozen backbone gives the method the features that others learn from.
    Not the "DSH" of the paper's Fig. 7, which is density sensitive hashing.
  """
  settings = deep.Settings("deep_dsh", num_bits, recipe)
  inputs, classes = deep_inputs.with_classes(settings, inputs, labels)
  loss = functools.partial(contrastive_loss, regularization=regularization)
  return deep.fit(settings, inputs, loss, targets=classes, key=key)


def contrastive_loss(
  outputs: Float[Array, "n b"],
  classes: Int[Array, "n"],
  *,
  regularization: float,
) -> Float[Array, ""]:
  """Averages what the pairs of a batch cost.

      1/2 D                if the two are of one class,
      1/2 max(2 b - D, 0)  if not,   D = ||u_i - u_j||^2,
      + regularization (|| |u_i| - 1 ||_1 + || |u_j| - 1 ||_1).

  Codes of 1 and -1 reach the margin 2 b by differing in half of their bits.
  The paper sums over the pairs that it draws. This is the mean over all pairs of
  a batch, so that the learning rate does not depend on its size.

  References:
    Eq. 4 of the paper named in `fit`, with its margin.
  """
  num_images, num_bits = outputs.shape
  differences = outputs[:, None, :] - outputs[None, :, :]
  distances = jnp.sum(differences**2, axis=2)
  is_same = classes[:, None] == classes[None, :]
  apart = jnp.maximum(2 * num_bits - distances, 0.0)
  # An image's distance to itself is zero: the diagonal adds nothing.
  pairs = 0.5 * jnp.where(is_same, distances, apart)
  contrast = jnp.sum(pairs) / (num_images * (num_images - 1))
  spread = jnp.mean(jnp.sum(jnp.abs(jnp.abs(outputs) - 1), axis=1))
  return contrast + 2 * regularization * spread
