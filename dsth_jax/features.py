"""Images to features: pixels, a pretrained network, or the user's own file.

>>> import numpy as np
>>> images = np.full((2, 4, 4, 3), 255, np.uint8)
>>> forward_batch, num_features = backbone("pixels", image_size=4, batch_size=2)
>>> forward_batch(images).shape, num_features
((2, 48), 48)
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Num

from dsth_jax import datasets
from dsth_jax.models import efficientnet_lite, inference
from dsth_jax.types import ArrayLike


def pixels(images: Num[ArrayLike, "n h w c"]) -> Float[np.ndarray, "n d"]:
  """Returns the pixels themselves as features: flat, 0 to 255 made 0 to 1."""
  flat = np.asarray(images).reshape(len(images), -1)
  return flat.astype(np.float32) / np.float32(255)


def _pixels(image_size: int, batch_size: int) -> inference.ForwardBatch:
  del image_size, batch_size  # Any will do.
  return pixels


def _efficientnet_lite0(
  image_size: int, batch_size: int
) -> inference.ForwardBatch:
  variables = efficientnet_lite.load_variables()
  network = efficientnet_lite.EfficientNetLite0()
  return inference.compile_forward(
    lambda x: network.apply(variables, efficientnet_lite.preprocess(x)),
    image_size=image_size,
    batch_size=batch_size,
  )
