"""Images to features: pixels, a pretrained network, or the user's own file.

>>> import numpy as np
>>> forward_batch, num_features = backbone("pixels", image_size=4, batch_size=2)
>>> images = np.full((3, 4, 4, 3), 255, np.uint8)
>>> batches = extract(
...   images, forward_batch=forward_batch, image_size=4, batch_size=2
... )
>>> [batch.shape for batch in batches], num_features
([(2, 48), (1, 48)], 48)
"""

import os
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Num

from dsth_jax import datasets
from dsth_jax.models import BACKBONES, inference
from dsth_jax.models.backbones import onnx_file
from dsth_jax.types import ArrayLike

# Rows looked at together, so that a memory map stays on disk.
_CHUNK = 8192


def backbone(
  name: str, *, image_size: int, batch_size: int, engine: str = "auto"
) -> tuple[inference.ForwardBatch, int]:
  """Returns what describes a batch of images, and how many numbers it gives.

  Args:
    name: "pixels", a name in `models.BACKBONES`, or the path of a .onnx file
      (see `models.onnx_file.load`; its pixels are scaled as ImageNet's are).
    image_size: height and width of the images to come.
    batch_size: the most images a batch will have. 32 is as fast as any larger
      on two cores.
    engine: see `inference.compile_forward`.

  Returns:
    A function of uint8 [n image_size image_size 3] to float32 [n d], and d.

  Raises:
    ValueError: the name is unknown, the package of the weights is missing, or
      the .onnx file does not fit.
  """
  if name == "pixels":
    return pixels, 3 * image_size**2
  if name.endswith(".onnx"):
    return onnx_file.load(name, image_size=image_size)
  if name not in BACKBONES:
    raise ValueError(
      f"no backbone is called {name!r}: choose pixels or "
      f"{' or '.join(BACKBONES)}, or pass any other network as a .onnx file, "
      "or its features as a .npy file."
    )
  network, num_features = BACKBONES[name]
  forward_batch = inference.compile_forward(
    network(), image_size=image_size, batch_size=batch_size, engine=engine
  )
  return forward_batch, num_features


def pixels(images: Num[ArrayLike, "n h w c"]) -> Float[np.ndarray, "n d"]:
  """Returns the pixels themselves as features: flat, 0 to 255 made 0 to 1."""
  flat = np.asarray(images).reshape(len(images), -1)
  return flat.astype(np.float32) / np.float32(255)


def extract(
  images: datasets.RandomAccess,
  *,
  forward_batch: inference.ForwardBatch,
  image_size: int,
  batch_size: int,
  start: int = 0,
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

  Yields:
    float32, a row an image.
  """
  batches = datasets.image_batches(
    images, image_size=image_size, batch_size=batch_size, start=start
  )
  for batch in batches:
    yield forward_batch(batch)


def read_npy(
  path: str | os.PathLike, *, num_images: int
) -> Float[np.ndarray, "n d"]:
  """Opens a user's features as a memory map, a row an image, all finite.

  Args:
    path: a .npy file of float16, float32 or float64 [n d].
    num_images: n; the order of the rows is that of the images.

  Returns:
    A read-only memory map in the type of the file.

  Raises:
    ValueError: the file is missing or unreadable, or of another shape or type,
      or a row holds NaN or infinity.
  """
  features = datasets.open_npy(path)
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
  check_finite(features)
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
        f"row {row} of the features holds NaN or infinity: mend or leave out "
        f"image {row} (rows count from 0)."
      )


def centre(
  features: Float[ArrayLike, "n d"],
  *,
  reference: Float[ArrayLike, "m d"] | None = None,
) -> Float[np.ndarray, "n d"]:
  """Subtracts the mean row: cosine then compares what differs from it.

  Args:
    features: the rows to centre.
    reference: the rows whose mean is subtracted, such as those of the training
      images; by default the features themselves.

  Returns:
    float32, a new array.
  """
  features = np.asarray(features, np.float32)
  reference = features if reference is None else np.asarray(reference)
  # A float32 sum of 50,000 rows would lose digits.
  mean = reference.mean(axis=0, dtype=np.float64)
  return features - mean.astype(np.float32)[None, :]
