"""Deep learning of binary hash codes (DLBH): a latent layer of a classifier."""

import functools

import flax.linen as nn
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float, Int, Key, Shaped, UInt8

from dsth_jax import encode
from dsth_jax.baselines import deep, deep_inputs
from dsth_jax.models import hash_models
from dsth_jax.types import ArrayLike


def fit(
  images: UInt8[ArrayLike, "n s s 3"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  network: str = hash_models.DEFAULT,
  num_epochs: int = 5,
  batch_size: int = 128,
  learning_rate: float = 3e-3,
) -> deep.ImageEncoder:
  """Learns classes through b sigmoid units; their values give the bits.

      y_k = [sigmoid(f_k(image)) >= 1/2],   p = softmax(W sigmoid(f) + v)

  The network f and the classifier on top of it are trained with the
  cross-entropy of p. The classifier is then removed.

  `Baseline.fit` and `deep.Settings` describe the shared arguments.

  Raises:
    ValueError: see `deep_inputs.with_classes`.

  References:
    Lin et al., Deep learning of binary hash codes for fast image retrieval,
    CVPR workshops 2015. "DLBH" in the paper's comparison. There, f is an
    AlexNet trained on ImageNet.
  """
  settings = deep.Settings(
    "dlbh", num_bits, network, num_epochs, batch_size, learning_rate
  )
  images, classes = deep_inputs.with_classes(settings, images, labels)
  return deep.fit(
    settings,
    images,
    cross_entropy,
    targets=classes,
    activation="sigmoid",
    wrap=functools.partial(Classifier, num_classes=int(classes.max()) + 1),
    threshold=encode.HALF,
    key=key,
  )


class Classifier(nn.Module):
  """Classifies by the values of a hash function.

  Attributes:
    network: the hash function.
    num_classes: of the labels.
  """

  network: nn.Module
  num_classes: int

  @nn.compact
  def __call__(
    self, x: Float[Array, "n s s 3"], train: bool = False
  ) -> Float[Array, "n c"]:
    """Returns one logit per class."""
    return nn.Dense(self.num_classes, name="classes")(self.network(x, train))


def cross_entropy(
  logits: Float[Array, "n c"], classes: Int[Array, "n"]
) -> Float[Array, ""]:
  """Returns -log p(class), averaged over the images."""
  losses = optax.softmax_cross_entropy_with_integer_labels(logits, classes)
  return jnp.mean(losses)
