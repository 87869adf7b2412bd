"""Contrastive information bottleneck hashing (CIBHash)."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float, Key, Shaped

from dsth_jax import train
from dsth_jax.baselines import deep, deep_inputs, similarity
from dsth_jax.baselines import views as image_views
from dsth_jax.baselines.recipe import Recipe
from dsth_jax.types import ArrayLike

# Those of the authors' program, which takes up to 60 epochs, and stops where
# validation queries no longer improve.
RECIPE = Recipe(
  hidden_sizes=(1024,),
  optimizer="adamw",
  learning_rate=1e-3,
  weight_decay=0.0,
  batch_size=64,
)


def fit(
  inputs: Shaped[ArrayLike, "n ..."],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  views: Float[ArrayLike, "n v d"] | None = None,
  recipe: Recipe = RECIPE,
  temperature: float = 0.3,
  bottleneck: float = 0.001,
) -> deep.NetworkEncoder:
  """Learns bits that identify an image among others in two random views.

  Each view of an image gives every bit a probability, and codes are drawn from
  it. The loss is the `contrast` of the codes plus the weighted `divergence` of
  the two views' distributions, which removes what the views do not share.

  `Baseline` and `Recipe` describe the shared arguments.

  Settings:
    temperature: see `contrast`.
    bottleneck: weight of `divergence`.

  Returns:
    The encoder; a bit is 1 where its probability is at least one half.

  Raises:
    ValueError: see `deep_inputs.checked` and `deep_inputs.checked_views`.

  References:
    Qiu et al., Unsupervised hashing with contrastive information bottleneck,
    IJCAI 2021: two layers on top of a frozen VGG. There, every step draws new
    views; here, a head on features draws two of the views that the backbone
    has described.
  """
  del labels
  settings = deep.Settings("cibhash", num_bits, recipe)
  inputs = deep_inputs.checked(settings, inputs)
  augmentation: train.Augment = image_views.two_views
  if settings.sees_features:
    inputs = deep_inputs.checked_views(settings, inputs, views, least=2)
    augmentation = draw_two
  return deep.fit(
    settings,
    inputs,
    functools.partial(
      bottleneck_loss, temperature=temperature, bottleneck=bottleneck
    ),
    targets=None,
    wrap=BernoulliCodes,
    augmentation=augmentation,
    key=key,
  )


def draw_two(
  views: Float[Array, "n v d"], key: Key[Array, ""]
) -> Float[Array, "m d"]:
  """Returns one view of each image and, after them, another."""
  first_key, other_key = jax.random.split(key)
  num_images, num_views = views.shape[:2]
  first = jax.random.randint(first_key, (num_images,), 0, num_views)
  steps = jax.random.randint(other_key, (num_images,), 1, num_views)
  rows = jnp.arange(num_images)
  return jnp.concatenate(
    [views[rows, first], views[rows, (first + steps) % num_views]]
  )


class BernoulliCodes(nn.Module):
  """Draws codes from the distributions that a hash function gives.

      b_k = 1 if sigmoid(f_k) > u_k, else -1,   u_k uniform in training

  A bit passes its gradient to its mean, 2 sigmoid(f_k) - 1.

  Attributes:
    network: the hash function, which returns logits f.
  """

  network: nn.Module

  def __call__(
    self, x: Float[Array, "n ..."], train: bool = False
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
  """Returns the contrast of the codes and the weighted divergence.

  Scaled as in the authors' program: the contrast is a mean over the views; the
  divergence is a sum over the bits, a mean over the images and over both ways.
  """
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
