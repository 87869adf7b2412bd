"""Contrastive information bottleneck hashing (CIBHash)."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float, Key, Shaped, UInt8

from dsth_jax.baselines import deep, image_inputs, similarity, views
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
  temperature: float = 0.3,
  bottleneck: float = 0.001,
) -> deep.ImageEncoder:
  """Learns bits by which an image is told from others in two random views.

  Each view of an image gives every bit a probability; codes are drawn, and the
  loss is `contrast` of the codes plus the weighted `divergence` of the views'
  distributions, which keeps out of the bits what the views do not share.

  Args:
    images: uint8 pixels.
    labels: unused.
    num_bits: b.
    key: of the weights, the order of the images, the views and the bits drawn.
    network: a name in `dsth_jax.models.HASH_MODELS`.
    num_epochs: passes over the images.
    batch_size: images a step, each in two views.
    learning_rate: at its peak.
    temperature: of the contrast, see `contrast`.
    bottleneck: weight of `divergence`.

  Returns:
    The encoder; a bit is 1 where its probability reaches one half.

  Raises:
    ValueError: the images cannot be learned from, see `image_inputs`.

  References:
    Qiu et al., Unsupervised hashing with contrastive information bottleneck,
    IJCAI 2021. There the views pass a VGG with ImageNet's weights, which are
    left alone; here the network learns all from pixels.
  """
  del labels
  training = deep.Training(num_epochs, batch_size, learning_rate)
  images = image_inputs.checked_images(
    "cibhash", images, training, num_bits=num_bits
  )
  model = BernoulliCodes(
    deep.make_network(
      "cibhash", network, num_bits=num_bits, activation="identity"
    )
  )
  trained = deep.learn(
    model,
    images,
    None,
    functools.partial(
      bottleneck_loss, temperature=temperature, bottleneck=bottleneck
    ),
    augmentation=views.two_views,
    training=training,
    key=key,
  )
  return deep.make_encoder(
    model.network, deep.inner(trained), image_size=images.shape[1]
  )


class BernoulliCodes(nn.Module):
  """Draws codes from the distributions that a hash function gives.

      b_k = 1 if sigmoid(f_k) > u_k, else -1,   u_k uniform in training

  A bit hands its gradient on to its mean, 2 sigmoid(f_k) - 1.

  Attributes:
    network: the hash function, which returns logits f.
  """

  network: nn.Module

  def __call__(
    self, x: Float[Array, "n s s 3"], train: bool = False
  ) -> tuple[Float[Array, "n b"], Float[Array, "n b"]]:
    """Returns logits and codes; without training, the likeliest codes."""
    logits = self.network(x, train)
    probabilities = nn.sigmoid(logits)
    cuts = jnp.full(logits.shape, 0.5)
    if train:
      cuts = jax.random.uniform(self.make_rng("noise"), logits.shape)
    drawn = jnp.where(probabilities > cuts, 1.0, -1.0)
    return logits, deep.straight_through(2 * probabilities, drawn)


def bottleneck_loss(
  outputs: tuple[Float[Array, "v b"], Float[Array, "v b"]],
  targets: None,
  *,
  temperature: float,
  bottleneck: float,
) -> Float[Array, ""]:
  """Returns the contrast of the codes and the weighted divergence."""
  del targets
  logits, codes = outputs
  first, second = jnp.split(logits, 2)
  apart = (divergence(first, second) + divergence(second, first)) / 2
  return contrast(codes, temperature) + bottleneck * apart


def contrast(
  codes: Float[Array, "v b"], temperature: float
) -> Float[Array, ""]:
  """Returns the cross-entropy of finding a view's partner among all others.

      mean_i -log exp(s_ij / t) / sum_{k != i} exp(s_ik / t)

  j is the other view of image i, n rows further on, and s the cosine.
  """
  num_views = len(codes)
  logits = similarity.cosines(codes) / temperature
  logits = jnp.where(jnp.eye(num_views, dtype=bool), -jnp.inf, logits)
  partners = jnp.roll(jnp.arange(num_views), num_views // 2)
  losses = optax.softmax_cross_entropy_with_integer_labels(logits, partners)
  return jnp.mean(losses)


def divergence(
  logits: Float[Array, "n b"], others: Float[Array, "n b"]
) -> Float[Array, ""]:
  """Returns KL(p || q) of the bits' distributions, averaged over images.

      sum_k p_k log(p_k / q_k) + (1 - p_k) log((1 - p_k) / (1 - q_k))

  Of logits, since a saturated 1 - p is 0 in float32. Nothing flows back to q.
  """
  others = jax.lax.stop_gradient(others)
  ones = nn.log_sigmoid(logits) - nn.log_sigmoid(others)
  zeros = nn.log_sigmoid(-logits) - nn.log_sigmoid(-others)
  terms = nn.sigmoid(logits) * ones + nn.sigmoid(-logits) * zeros
  return jnp.mean(jnp.sum(terms, axis=1))
