"""A classifier on top of a latent layer whose values give the bits."""

import flax.linen as nn
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float, Int


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
