"""What a backbone is to those who describe images with it."""

from collections.abc import Callable
from typing import NamedTuple

from jax import Array


class Backbone(NamedTuple):
  """A network that describes images, and what belongs to it.

  Attributes:
    load: `load(weights)` reads the weights, by default those that are installed
      with this package, and returns the function of preprocessed images
      Float[n s s 3] to features Float[n d].
    preprocess: maps pixels of 0 to 255 to what the network was trained on.
    num_features: d; None if it follows from the image size.
    image_size: the side in pixels that it was trained on; 0 if any is as good.
    needs_weights: whether the user has to name a file of weights.
  """

  load: Callable[[str], Callable[[Array], Array]]
  preprocess: Callable[[Array], Array]
  num_features: int | None
  image_size: int
  needs_weights: bool = False
