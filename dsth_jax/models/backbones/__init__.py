"""The backbones, which describe images; a file and a line each.

>>> import jax
>>> import numpy as np
>>> module, variables = BACKBONES["efficientnet_lite0"].network("")
>>> images = np.zeros((2, 224, 224, 3), np.float32)
>>> jax.eval_shape(module.apply, variables, images).shape
(2, 1280)
"""

from collections.abc import Callable

from jax import Array

from dsth_jax.models.backbones import (
  alexnet,
  efficientnet_lite,
  googlenet,
  pixels,
  preprocessing,
  simplenet,
  vgg,
  vit,
  weight_files,
)
from dsth_jax.models.backbones import layouts as layouts_lib
from dsth_jax.models.backbones.backbone import Backbone, Network
from dsth_jax.models.hash_models import trunk

__all__ = ["BACKBONES", "Backbone", "Network", "load_network"]


def _backbone(
  layout: layouts_lib.Layout,
  preprocess: Callable[[Array], Array],
  *,
  num_features: int,
  last: tuple[str, ...],
  resized_size: int = 0,
  min_image_size: int = 1,
) -> Backbone:
  """Returns a backbone that reads its weights from a file."""

  def network(weights: str) -> Network:
    return load_network(layout, weights)

  def load(weights: str) -> Callable[[Array], Array]:
    module, variables = network(weights)

    def describe(images: Array) -> Array:
      features: Array = module.apply(variables, images)  # type: ignore[assignment]
      return features

    return describe

  return Backbone(
    load,
    preprocess,
    num_features=num_features,
    image_size=layout.image_size,
    needs_weights=layout.installed is None,
    network=network,
    last=last,
    resized_size=resized_size,
    min_image_size=min_image_size,
    layout=layout,
  )


def load_network(layout: layouts_lib.Layout, weights: str = "") -> Network:
  """Reads a file of weights.

  Args:
    layout: of the network.
    weights: path of a file, see `weight_files.read`; empty for what is
      installed with this package.

  Raises:
    ValueError: nothing is installed, or the file cannot be read or is not one
      of this network.
  """
  path = weights or (layout.installed() if layout.installed else "")
  if not path:
    raise ValueError(
      f"{layout.name} comes without weights: name {layout.source}."
    )
  variables = layouts_lib.variables(
    layout, weight_files.read(path), file=path, known=known_layouts()
  )
  return Network(layout.module, variables)


def known_layouts() -> dict[str, layouts_lib.Layout]:
  """Returns the layouts of all backbones that have one, by their names."""
  return {
    name: backbone.layout
    for name, backbone in BACKBONES.items()
    if backbone.layout
  }


def _vit(layout: layouts_lib.Layout) -> Backbone:
  module = layout.module
  is_clip, patch_size = module.is_clip, module.patch_size
  return _backbone(
    layout,
    preprocessing.clip if is_clip else preprocessing.imagenet,
    num_features=module.num_projected or module.width,
    last=(
      f"block_{module.depth - 1}",
      "norm",
      *(["projection"] if module.num_projected else []),
    ),
    resized_size=0 if is_clip else 256,
    min_image_size=patch_size,
  )


BACKBONES = {
  "pixels": Backbone(
    pixels.load, pixels.preprocess, num_features=None, image_size=0
  ),
  "efficientnet_lite0": _backbone(
    efficientnet_lite.LITE0,
    efficientnet_lite.preprocess,
    num_features=efficientnet_lite.NUM_FEATURES,
    last=("block_15", "head"),
  ),
  "efficientnet_lite1": _backbone(
    efficientnet_lite.LITE1,
    efficientnet_lite.preprocess,
    num_features=efficientnet_lite.NUM_FEATURES,
    last=("block_20", "head"),
  ),
  "efficientnet_lite2": _backbone(
    efficientnet_lite.LITE2,
    efficientnet_lite.preprocess,
    num_features=efficientnet_lite.NUM_FEATURES,
    last=("block_20", "head"),
  ),
  "alexnet": _backbone(
    alexnet.LAYOUT,
    preprocessing.imagenet,
    num_features=4096,
    last=("fc6", "fc7"),
    resized_size=256,
    min_image_size=63,
  ),
  "googlenet": _backbone(
    googlenet.LAYOUT,
    # torchvision's transform_input, which its ImageNet weights come with,
    # undoes ImageNet's normalization.
    preprocessing.symmetric,
    num_features=googlenet.NUM_FEATURES,
    last=("inception5a", "inception5b"),
    resized_size=256,
    min_image_size=15,
  ),
  "vgg16": _backbone(
    vgg.LAYOUT,
    preprocessing.imagenet,
    num_features=4096,
    last=("fc6", "fc7"),
    resized_size=256,
    min_image_size=32,
  ),
  "dinov2_vits14": _vit(vit.DINOV2_VITS14),
  "dinov2_vitb14": _vit(vit.DINOV2_VITB14),
  "clip_vitb32": _vit(vit.CLIP_VITB32),
  "clip_vitb16": _vit(vit.CLIP_VITB16),
  "simplenet": Backbone(
    simplenet.load,
    trunk.preprocess,
    num_features=simplenet.NUM_FEATURES,
    image_size=32,
    network=simplenet.load_network,
    is_pretrained=False,
  ),
}
