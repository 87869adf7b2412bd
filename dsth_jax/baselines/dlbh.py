"""Deep learning of binary hash codes (DLBH): a latent layer of a classifier."""

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
) -> deep.NetworkEncoder:
  """Learns classes through b sigmoid units; their values give the bits.

      y_k = [sigmoid(f_k(x)) >= 1/2],   p = softmax(W sigmoid(f) + v)

  The network f and the classifier on top of it are trained with the
  cross-entropy of p. The classifier is then removed.

  `Baseline` and `Recipe` describe the shared arguments.

  Raises:
    ValueError: see `deep_inputs.with_classes`.

  References:
    Lin et al., Deep learning of binary hash codes for fast image retrieval,
    CVPR workshops 2015. "DLBH" in the paper's comparison. There, f is an
    AlexNet whose trunk is trained on ImageNet first and then with f; here, the
    backbone stays as it is.
  """
  settings = deep.Settings("dlbh", num_bits, recipe)
  return latent_classifier.fit(settings, inputs, labels, class_loss, key=key)


def class_loss(
  outputs: tuple[Float[Array, "n b"], Float[Array, "n c"]],
  classes: Int[Array, "n"],
) -> Float[Array, ""]:
  """Returns the cross-entropy of the classes."""
  _, logits = outputs
  return latent_classifier.cross_entropy(logits, classes)
