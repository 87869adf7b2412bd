"""A classifier on top of a latent layer whose values give the bits."""

import functools

import flax.linen as nn
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float, Int, Key, Shaped

from dsth_jax import codes
from dsth_jax.baselines import deep, deep_inputs
from dsth_jax.types import ArrayLike


def fit(
  settings: deep.Settings,
  inputs: Shaped[ArrayLike, "..."],
  labels: Shaped[ArrayLike, "..."] | None,
  loss: deep.Loss,
  *,
  key: Key[Array, ""],
) -> deep.NetworkEncoder:
  """Trains a classifier through b sigmoid units, which encode without it.

  Args:
    settings: of the method.
    inputs: images or features.
    labels: the class of each image.
    loss: of what `LatentClassifier` returns, and of the classes.
    key: see `deep.fit`.

  Raises:
    ValueError: see `deep_inputs.with_classes`.
  """
  inputs, classes = deep_inputs.with_classes(settings, inputs, labels)
  return deep.fit(
    settings,
    inputs,
    loss,
    targets=classes,
    activation="sigmoid",
    wrap=functools.partial(
      LatentClassifier, num_classes=int(classes.max()) + 1
    ),
    threshold=codes.HALF,
    key=key,
  )


class LatentClassifier(nn.Module):
  """Classifies by the values of a hash function.

  Attributes:
    network: the hash function.
    num_classes: of the labels.
  """

  network: nn.Module
  num_classes: int

  @nn.compact
  def __call__(
    self, x: Float[Array, "n ..."], train: bool = False
  ) -> tuple[Float[Array, "n b"], Float[Array, "n c"]]:
    """Returns the latent values, and one logit per class."""
    latent = self.network(x, train)
    return latent, nn.Dense(self.num_classes, name="classes")(latent)


def cross_entropy(
  logits: Float[Array, "n c"], classes: Int[Array, "n"]
) -> Float[Array, ""]:
  """Returns -log p(class), averaged over the images."""
  losses = optax.softmax_cross_entropy_with_integer_labels(logits, classes)
  return jnp.mean(losses)
