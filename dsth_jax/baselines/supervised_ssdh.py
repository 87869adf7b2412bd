"""Supervised semantics-preserving deep hashing (SSDH): a latent layer's bits."""

import functools

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int, Key, Shaped

from dsth_jax.baselines import deep, latent_classifier
from dsth_jax.baselines.recipe import Recipe
from dsth_jax.types import ArrayLike

# Those of the authors' files, without the drop of their learning rate.
RECIPE = Recipe(
  optimizer="sgd", learning_rate=1e-3, batch_size=32, num_epochs=100
)


def fit(
  inputs: Shaped[ArrayLike, "n ..."],
  labels: Shaped[ArrayLike, "n ..."] | None = None,
  *,
  num_bits: int,
  key: Key[Array, ""],
  recipe: Recipe = RECIPE,
  clearness: float = 1.0,
  evenness: float = 1.0,
) -> deep.NetworkEncoder:
  """Learns classes through b sigmoid units that are pushed to 0 and 1.

      y_k = [a_k >= 1/2],   a = sigmoid(f(x)),   p = softmax(W a + v)

  The network f and the classifier on top of it are trained with
  `semantics_loss`. The classifier is then removed.

  `Baseline` and `Recipe` describe the shared arguments.

  Settings:
    clearness: see `semantics_loss`; default as in the paper.
    evenness: see `semantics_loss`; default as in the paper.

  Raises:
    ValueError: see `deep_inputs.with_classes`.

  References:
    Yang, Lin and Chen, Supervised learning of semantics-preserving hash via
    deep convolutional neural networks, TPAMI 2018. "SSDH" in the paper's
    comparison. There, the trunk is trained too; here, the backbone stays as it
    is.
  """
  settings = deep.Settings("supervised_ssdh", num_bits, recipe)
  loss = functools.partial(
    semantics_loss, clearness=clearness, evenness=evenness
  )
  return latent_classifier.fit(settings, inputs, labels, loss, key=key)


def semantics_loss(
  outputs: tuple[Float[Array, "n b"], Float[Array, "n c"]],
  classes: Int[Array, "n"],
  *,
  clearness: float,
  evenness: float,
) -> Float[Array, ""]:
  """Sums what unknown classes, unclear bits and uneven codes cost.

      mean_i -log p_i(class) - clearness mean_ik (a_ik - 1/2)^2
        + evenness mean_i (mean_k a_ik - 1/2)^2

  Args:
    outputs: activations a and logits of the classes.
    classes: of the images.
    clearness: weight.
    evenness: weight.
  """
  activations, logits = outputs
  unclear = -jnp.mean((activations - 0.5) ** 2)
  uneven = jnp.mean((jnp.mean(activations, axis=1) - 0.5) ** 2)
  classification = latent_classifier.cross_entropy(logits, classes)
  return classification + clearness * unclear + evenness * uneven
