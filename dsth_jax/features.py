"""Images to features: by backbones, or from the user's own file.

>>> import numpy as np
>>> forward_batch, num_features = backbone("pixels", image_size=4, batch_size=2)
>>> images = np.full((3, 4, 4, 3), 255, np.uint8)
>>> described = extract(
...   images, forward_batch=forward_batch, image_size=4, batch_size=2
... )
>>> [batch.shape for batch in described], num_features
([(2, 48), (1, 48)], 48)
"""

import functools
import os
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from dsth_jax.datasets import batches, npy
from dsth_jax.datasets.dataset import RandomAccess
from dsth_jax.feature_transforms import Transform
from dsth_jax.models import inference
from dsth_jax.models.backbones import BACKBONES, Network, onnx_file
from dsth_jax.models.backbones.joint import (
  JOINT,
  check_backbones,
  check_image_size,
  file_digests,
  image_size,
  resized_size,
)
from dsth_jax.types import ArrayLike

__all__ = [
  "JOINT",
  "backbone",
  "check_backbones",
  "check_finite",
  "check_image_size",
  "extract",
  "file_digests",
  "forward",
  "image_size",
  "open_file",
  "resized_size",
]

# Rows looked at together, so that a memory map stays on disk.
_CHUNK = 8192


def backbone(
  name: str,
  *,
  weights: str = "",
  image_size: int,
  batch_size: int,
  engine: str = "auto",
  variables: Any = None,
) -> tuple[inference.ForwardBatch, int]:
  """Returns what describes a batch of images, and how many numbers it gives.

  Args:
    name: in `BACKBONES`, or the path of a .onnx file (see `onnx_file.load`; its
      pixels are scaled as ImageNet's are).
    weights: path of its weights; empty for those that are installed.
    image_size: height and width of the images to come.
    batch_size: the most images a batch will have. 32 is as fast as any larger
      on two cores.
    engine: see `inference.compile_forward`.
    variables: of a backbone that was trained further, in place of its weights.

  Returns:
    A function of uint8 [n image_size image_size 3] to float32 [n d], and d.

  Raises:
    ValueError: the name is unknown, the images are too small, or the file of
      weights or the .onnx file is missing or does not fit.
  """
  ((name, weights),) = check_backbones(name, weights)
  check_image_size(name, image_size)
  if name.endswith(".onnx"):
    return onnx_file.load(name, image_size=image_size)
  item_shape = (image_size, image_size, 3)
  forward = _pixels_to_features(name, weights, variables)
  forward_batch = inference.compile_forward(
    forward, item_shape=item_shape, batch_size=batch_size, engine=engine
  )
  num_features = BACKBONES[name].num_features
  if num_features is None:
    images = jax.ShapeDtypeStruct((1, *item_shape), jnp.float32)
    num_features = jax.eval_shape(forward, images).shape[1]
  return forward_batch, num_features


def _pixels_to_features(
  name: str, weights: str, variables: Any
) -> Callable[[Array], Array]:
  record = BACKBONES[name]
  if variables is None:
    network = record.load(weights)
  else:
    assert record.network is not None
    network = functools.partial(_apply, record.network(weights), variables)
  return lambda pixels: network(record.preprocess(pixels))


def _apply(network: Network, variables: Any, images: Array) -> Array:
  return jnp.asarray(network.module.apply(variables, images))


def forward(
  names: str,
  weights: str,
  transform: Transform,
  variables: Mapping[str, Any] = types.MappingProxyType({}),
) -> Callable[[Array], Array]:
  """Returns pixels to transformed features as one function of JAX.

  Args:
    names: see `check_backbones`.
    weights: see `check_backbones`.
    transform: of the features.
    variables: of each backbone that was trained further, by its name.

  Raises:
    ValueError: a backbone is a .onnx file, which is no function of JAX.
  """
  parts = check_backbones(names, weights)
  files = [name for name, _ in parts if name.endswith(".onnx")]
  if files:
    raise ValueError(
      f"{files[0]} is a network of its own format, which cannot become one "
      "with the hash network: take a backbone of this package."
    )
  networks = [
    _pixels_to_features(name, path, variables.get(name)) for name, path in parts
  ]
  return lambda pixels: transform([network(pixels) for network in networks])


def extract(
  images: RandomAccess,
  *,
  forward_batch: inference.ForwardBatch,
  image_size: int,
  batch_size: int,
  start: int = 0,
  resized_size: int = 0,
) -> Iterator[Float[np.ndarray, "_ d"]]:
  """Yields the features of the images, batch by batch, in order.

  Images are decoded and resized in threads ahead of the network.

  Args:
    images: see `datasets.image_batches`.
    forward_batch: from `backbone` or `inference.compile_forward`.
    image_size: what the network was compiled for.
    batch_size: what the network was compiled for.
    start: first image, to go on where an earlier run stopped. From a multiple
      of `batch_size` the batches, and so the bits of the features, are those
      of an uninterrupted run.
    resized_size: see `datasets.resize_and_crop`.

  Yields:
    float32, a row an image.
  """
  resized = batches.image_batches(
    images,
    image_size=image_size,
    batch_size=batch_size,
    start=start,
    resized_size=resized_size,
  )
  for batch in resized:
    yield forward_batch(batch)


def open_file(
  path: str | os.PathLike, *, num_images: int
) -> Float[np.ndarray, "n d"]:
  """Opens a user's features as a memory map, a row an image.

  Args:
    path: a .npy file of float16, float32 or float64 [n d].
    num_images: n; the order of the rows is that of the images.

  Returns:
    A read-only memory map in the type of the file, see `check_finite`.

  Raises:
    ValueError: the file is missing or unreadable, or of another shape or type.
  """
  features = npy.open_npy(path)
  if features.ndim != 2 or not np.issubdtype(features.dtype, np.floating):
    raise ValueError(
      f"{os.fspath(path)} holds {features.dtype} of shape {features.shape}: "
      "needed are floats, a row an image."
    )
  if len(features) != num_images:
    raise ValueError(
      f"{os.fspath(path)} has {len(features)} rows for {num_images} images: "
      "write one row an image, in the order of the images."
    )
  return features


def check_finite(
  features: Float[ArrayLike, "n d"], *, first_row: int = 0
) -> None:
  """Refuses features with NaN or infinity.

  Args:
    features: all of them, or the batch that starts at row `first_row`.
    first_row: what the first row is called.

  Raises:
    ValueError: names the first such row.
  """
  features = np.asarray(features)
  for start in range(0, len(features), _CHUNK):
    finite = np.isfinite(features[start : start + _CHUNK]).all(axis=1)
    if not finite.all():
      row = first_row + start + int(np.argmin(finite))
      raise ValueError(
        f"row {row} of the features holds NaN or infinity: repair or leave out "
        f"image {row} (rows count from 0)."
      )
