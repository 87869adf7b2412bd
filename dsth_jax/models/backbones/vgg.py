"""VGG16 as torchvision has it.

References:
  Simonyan and Zisserman, Very deep convolutional networks for large-scale
  image recognition, ICLR 2015, Table 1, column D.
"""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from dsth_jax.models.backbones import pooling
from dsth_jax.models.backbones.layouts import Format, Layout

# Channels and convolutions of the stages; a pool follows each of them.
_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


class VGG16(nn.Module):
  """Maps preprocessed images to what the classifier reads: fc7 after ReLU.

  Attributes:
    num_features: width of both fully connected layers.
  """

  num_features: int = 4096

  @nn.compact
  def __call__(self, x: Float[Array, "n h w 3"]) -> Float[Array, "n d"]:
    """Returns the features, none negative."""
    for stage, (channels, repeats) in enumerate(_STAGES, start=1):
      for number in range(1, repeats + 1):
        name = f"conv{stage}_{number}"
        x = nn.relu(nn.Conv(channels, (3, 3), padding=1, name=name)(x))
      x = pooling.max_pool(x, 2, 2)
    x = pooling.adaptive_mean(x, 7)
    # The weights of fc6 count channels first.
    x = jnp.transpose(x, (0, 3, 1, 2)).reshape(x.shape[0], -1)
    x = nn.relu(nn.Dense(self.num_features, name="fc6")(x))
    return nn.relu(nn.Dense(self.num_features, name="fc7")(x))


def _convolutions() -> tuple[tuple[str, str], ...]:
  """Returns the names of the convolutions, here and in torchvision."""
  found, position = [], 0
  for stage, (_, repeats) in enumerate(_STAGES, start=1):
    for number in range(1, repeats + 1):
      found.append((f"conv{stage}_{number}", f"features.{position}"))
      position += 2  # Each ReLU counts,
    position += 1  # and each pool.
  return tuple(found)


LAYOUT = Layout(
  "VGG16",
  VGG16(),
  image_size=224,
  formats=(
    Format(
      (*_convolutions(), ("fc6", "classifier.0"), ("fc7", "classifier.3")),
      unused=r"classifier\.6\..*",
    ),
  ),
  source="torchvision's vgg16-397923af.pth from "
  "https://download.pytorch.org/models",
)
