"""AlexNet as torchvision has it.

References:
  Krizhevsky, One weird trick for parallelizing convolutional neural networks,
  2014: the variant with one tower and without response normalization.
"""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from dsth_jax.models.backbones import pooling
from dsth_jax.models.backbones.layouts import Format, Layout

# Channels, size of the kernel, stride, padding, and whether a pool follows.
_CONVOLUTIONS = (
  (64, 11, 4, 2, True),
  (192, 5, 1, 2, True),
  (384, 3, 1, 1, False),
  (256, 3, 1, 1, False),
  (256, 3, 1, 1, True),
)


class AlexNet(nn.Module):
  """Maps preprocessed images to what the classifier reads: fc7 after ReLU.

  Attributes:
    num_features: width of both fully connected layers.
  """

  num_features: int = 4096

  @nn.compact
  def __call__(self, x: Float[Array, "n h w 3"]) -> Float[Array, "n d"]:
    """Returns the features, none negative."""
    for number, (channels, kernel, stride, pad, pools) in enumerate(
      _CONVOLUTIONS, start=1
    ):
      x = nn.Conv(
        channels, (kernel, kernel), stride, padding=pad, name=f"conv{number}"
      )(x)
      x = nn.relu(x)
      if pools:
        x = pooling.max_pool(x, 3, 2)
    x = pooling.adaptive_mean(x, 6)
    # The weights of fc6 count channels first.
    x = jnp.transpose(x, (0, 3, 1, 2)).reshape(x.shape[0], -1)
    x = nn.relu(nn.Dense(self.num_features, name="fc6")(x))
    return nn.relu(nn.Dense(self.num_features, name="fc7")(x))


LAYOUT = Layout(
  "AlexNet",
  AlexNet(),
  image_size=224,
  formats=(
    Format(
      (
        ("conv1", "features.0"),
        ("conv2", "features.3"),
        ("conv3", "features.6"),
        ("conv4", "features.8"),
        ("conv5", "features.10"),
        ("fc6", "classifier.1"),
        ("fc7", "classifier.4"),
      ),
      unused=r"classifier\.6\..*",
    ),
  ),
  source="torchvision's alexnet-owt-7be5be79.pth from "
  "https://download.pytorch.org/models",
)
