"""SimpleNet as a backbone: trained from scratch, with class labels."""

from collections.abc import Callable

import flax.linen as nn
from jax import Array
from jaxtyping import Float

from dsth_jax.models.backbones.backbone import Network
from dsth_jax.models.hash_models import trunk

NUM_FEATURES = 1024


class SimpleNetFeatures(nn.Module):
  """The convolutions of Table I and a fully connected layer with ReLU.

  These are the layers of the hash network SimpleNet, with batch normalization
  after every convolution and without its head.
  """

  @nn.compact
  def __call__(
    self, x: Float[Array, "n s s 3"], train: bool = False
  ) -> Float[Array, "n 1024"]:
    """Returns the features that a classifier would read.

    Args:
      x: images of 32 or 96 pixels a side, as `trunk.preprocess` scales them.
      train: normalizes by the batch, and asks for gradients.

    Raises:
      ValueError: the image size is not in Table I.
    """
    values = trunk.convolve(self, x, norm=True, width=1.0, train=train)
    hidden = nn.Dense(
      NUM_FEATURES, kernel_init=nn.initializers.he_normal(), name="hidden"
    )
    return nn.relu(hidden(values))


def load(weights: str) -> Callable[[Array], Array]:
  """Raises ValueError: nothing is trained before a run trains it."""
  del weights
  raise ValueError(
    "the backbone simplenet has no pretrained weights: train it with class "
    "labels, by features.fine_tuning.num_epochs of 1 or more."
  )


def load_network(weights: str) -> Network:
  """Returns the module, which has no variables yet."""
  del weights
  return Network(SimpleNetFeatures(), {})
