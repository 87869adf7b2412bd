"""What a backbone is to those who describe images with it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
from jax import Array

from dsth_jax.models.backbones.layouts import Layout


class Network(NamedTuple):
  """A backbone as Flax has it, for those who train it further.

  Attributes:
    module: maps preprocessed images Float[n s s 3] to features Float[n d]. One
      that is trained from scratch also takes `train`.
    variables: `params` and, where the module has them, `batch_stats`; empty if
      it is trained from scratch.
  """

  module: nn.Module
  variables: dict[str, Any]


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
    network: `network(weights)` returns the same network with its variables; None
      if it has none that could be trained.
    last: the names in `params` of the layers that are trained where only the
      last ones are.
    resized_size: the short side in pixels that images had before the center of
      `image_size` was cropped; 0: `image_size`.
    min_image_size: the smallest side in pixels that it takes.
    layout: of its weights; None if it has none.
    is_pretrained: whether it has weights before a run trains it.
  """

  load: Callable[[str], Callable[[Array], Array]]
  preprocess: Callable[[Array], Array]
  num_features: int | None
  image_size: int
  needs_weights: bool = False
  network: Callable[[str], Network] | None = None
  last: tuple[str, ...] = ()
  resized_size: int = 0
  min_image_size: int = 1
  layout: Layout | None = None
  is_pretrained: bool = True
