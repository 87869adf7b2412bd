"""Files of weights: PyTorch's .pth, and .safetensors."""

import hashlib
import os
import pathlib
import re
from collections.abc import Mapping

import numpy as np
import safetensors
import safetensors.numpy

from dsth_jax.models.backbones import torch_weights

_SUFFIX = ".safetensors"
# As in alexnet-owt-7be5be79.pth: the start of the file's SHA-256.
_DIGEST_IN_NAME = re.compile(r"-([0-9a-f]{8})\.pth$")


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
  """Reads the tensors of a file, by name.

  Args:
    path: a .safetensors file, or what `torch_weights.read_torch_tensors` reads.
      Where a .pth file has the start of its SHA-256 in its name, as those of
      torchvision do, the two are compared.

  Raises:
    ValueError: the file is damaged, cut short or of another format, or is not
      the one that its name says.
  """
  name = os.fspath(path)
  if not name.endswith(_SUFFIX):
    _check_digest(name)
    return torch_weights.read_torch_tensors(name)
  try:
    return safetensors.numpy.load_file(name)
  except safetensors.SafetensorError as error:
    raise ValueError(
      f"{name} is damaged or cut short, or no {_SUFFIX} file at all ({error}): "
      "fetch it again."
    ) from error


def _check_digest(path: str) -> None:
  expected = _DIGEST_IN_NAME.search(path)
  if expected is None:
    return
  with open(path, "rb") as file:
    found = hashlib.file_digest(file, "sha256").hexdigest()
  if not found.startswith(expected[1]):
    raise ValueError(
      f"{path} is damaged, cut short or another file: its SHA-256 starts with "
      f"{found[:8]}, its name says {expected[1]}. Fetch it again, or "
      "rename it if it is a file that you have made."
    )


def write(path: str | os.PathLike, tensors: Mapping[str, np.ndarray]) -> None:
  """Writes tensors as a .safetensors file, whole or not at all.

  Args:
    path: of a file that is not there yet.
    tensors: by name; they are written in float32.

  Raises:
    ValueError: the path has another suffix, or the file is there.
    OSError: the file cannot be written.
  """
  target = pathlib.Path(path)
  if target.suffix != _SUFFIX:
    raise ValueError(
      f"the output is {target}: name a file that ends in {_SUFFIX}."
    )
  if target.exists():
    raise ValueError(
      f"{target} is there already, and is not overwritten: name another file, "
      "or remove it first."
    )
  partial = target.with_name(target.name + ".partial")
  try:
    safetensors.numpy.save_file(
      {
        name: np.ascontiguousarray(tensor, np.float32)
        for name, tensor in tensors.items()
      },
      partial,
    )
    partial.replace(target)
  except safetensors.SafetensorError as error:
    raise OSError(f"{target} cannot be written: {error}") from error
  finally:
    partial.unlink(missing_ok=True)
