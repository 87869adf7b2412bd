"""A network that comes as an ONNX file, run by onnxruntime."""

import os
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from jaxtyping import Float

from dsth_jax.models import inference
from dsth_jax.models.backbones.preprocessing import (
  IMAGENET_MEAN,
  IMAGENET_STD,
)
from dsth_jax.types import ArrayLike


class _Layout(NamedTuple):
  """How a network wants its images.

  Attributes:
    name: of its input.
    channels_first: [n 3 s s] instead of [n s s 3].
    batch_size: None for any.
  """

  name: str
  channels_first: bool
  batch_size: int | None


def load(
  path: str | os.PathLike,
  *,
  image_size: int,
  mean: tuple[float, ...] = IMAGENET_MEAN,
  std: tuple[float, ...] = IMAGENET_STD,
) -> tuple[inference.ForwardBatch, int]:
  """Opens a network that maps images to features.

      features = network((pixels / 255 - mean) / std)

  Args:
    path: an ONNX file with one input, [n 3 s s] or [n s s 3] in float32. Its
      first output is flattened to one row an image.
    image_size: s.
    mean: of each channel, subtracted from pixels of 0 to 1.
    std: of each channel.

  Returns:
    A function of uint8 images [n s s 3] to float32 [n d], and d.

  Raises:
    ValueError: the file is missing or not ONNX, or takes other images.
  """
  session = _open(path)
  layout = _layout(session, os.fspath(path), image_size)
  offset, scale = np.asarray(mean, np.float32), np.asarray(std, np.float32)

  def run(images: Float[np.ndarray, "m s s 3"]) -> Float[np.ndarray, "m d"]:
    if layout.channels_first:
      images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    output = session.run(None, {layout.name: images})[0]
    return output.reshape(len(images), -1).astype(np.float32)

  def forward_batch(images: ArrayLike) -> np.ndarray:
    scaled = (np.asarray(images, np.float32) / 255 - offset) / scale
    size = layout.batch_size or len(scaled)
    parts = []
    for start in range(0, len(scaled), size):
      part = scaled[start : start + size]
      missing = size - len(part)
      padded = np.pad(part, [(0, missing), (0, 0), (0, 0), (0, 0)])
      parts.append(run(padded)[: len(part)])
    return np.concatenate(parts)

  blank = np.zeros((1, image_size, image_size, 3), np.uint8)
  return forward_batch, forward_batch(blank).shape[1]


def _open(path: str | os.PathLike) -> Any:
  options = onnxruntime.SessionOptions()
  options.log_severity_level = 3  # Only errors.
  try:
    return onnxruntime.InferenceSession(
      os.fspath(path), options, providers=onnxruntime.get_available_providers()
    )
  # onnxruntime's own errors derive only from Exception.
  except Exception as error:
    raise ValueError(
      f"{os.fspath(path)} cannot be read as an ONNX network "
      f"({str(error).splitlines()[0]}): export it again, or check the path."
    ) from error


def _layout(session: Any, path: str, image_size: int) -> _Layout:
  inputs = session.get_inputs()
  shape = inputs[0].shape
  if len(inputs) == 1 and len(shape) == 4:
    for channels_first, sizes in ((True, shape[2:]), (False, shape[1:3])):
      channels = shape[1] if channels_first else shape[3]
      # A size that is not fixed has a name, or none.
      fixed = [size for size in sizes if isinstance(size, int)]
      if channels == 3 and all(size == image_size for size in fixed):
        batch_size = shape[0] if isinstance(shape[0], int) else None
        return _Layout(inputs[0].name, channels_first, batch_size)
  received = ", ".join(f"{each.name} {each.shape}" for each in inputs)
  raise ValueError(
    f"{path} takes {received}, but needed is one input [n, 3, {image_size}, "
    f"{image_size}] or [n, {image_size}, {image_size}, 3]: set "
    "features.image_size to its size, or export it so."
  )
