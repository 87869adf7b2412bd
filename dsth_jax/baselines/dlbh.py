"""Deep learning of binary hash codes (DLBH): a latent layer of a classifier."""

import flax.linen as nn
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float, Int, Key, Shaped, UInt8

from dsth_jax import encode
from dsth_jax.baselines import class_labels, deep, image_inputs
from dsth_jax.types import ArrayLike


def fit(
  images: UInt8[ArrayLike, "n s s 3"],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  network: str = "simplenet",
  num_epochs: int = 5,
  batch_size: int = 128,
  learning_rate: float = 3e-3,
) -> deep.ImageEncoder:
  """Learns classes through b sigmoid units, whose halves are the bits.

      y_k = [sigmoid(f_k(image)) >= 1/2],   p = softmax(W sigmoid(f) + v)

  The network f and the classifier on top are trained by the cross-entropy of
  p; the classifier is then left out.

  Args:
    images: uint8 pixels.
    labels: one class an image.
    num_bits: b.
    key: of the weights, the order of the images and the augmentation.
    network: a name in `dsth_jax.models.HASH_MODELS`.
    num_epochs: passes over the images.
    batch_size: images a step.
    learning_rate: at its peak.

  Returns:
    The encoder.

  Raises:
    ValueError: images or labels cannot be learned from, see
      `image_inputs` and `class_labels`.

  References:
    Lin et al., Deep learning of binary hash codes for fast image retrieval,
    CVPR workshops 2015. "DLBH" in the paper's comparison. There f is an
    AlexNet trained on ImageNet.
  """
  training = deep.Training(num_epochs, batch_size, learning_rate)
  images = image_inputs.checked_images(
    "dlbh", images, training, num_bits=num_bits
  )
  classes = class_labels.checked_labels("dlbh", labels, len(images))
  model = Classifier(
    deep.make_network("dlbh", network, num_bits=num_bits, activation="sigmoid"),
    num_classes=int(classes.max()) + 1,
  )
  trained = deep.learn(
    model,
    images,
    classes,
    cross_entropy,
    training=training,
    key=key,
  )
  return deep.make_encoder(
    model.network,
    deep.inner(trained),
    image_size=images.shape[1],
    threshold=encode.HALF,
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
    """Returns one logit a class."""
    return nn.Dense(self.num_classes, name="classes")(self.network(x, train))


def cross_entropy(
  logits: Float[Array, "n c"], classes: Int[Array, "n"]
) -> Float[Array, ""]:
  """Returns -log p(class), averaged over the images."""
  losses = optax.softmax_cross_entropy_with_integer_labels(logits, classes)
  return jnp.mean(losses)
