"""Arrays in files of a user."""

import os

import numpy as np
from jaxtyping import Shaped


def open_npy(path: str | os.PathLike) -> Shaped[np.ndarray, "..."]:
  """Opens a .npy file as a read-only memory map.

  Raises:
    ValueError: the file is missing, unreadable or an archive.
  """
  try:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
  except (OSError, ValueError, EOFError) as error:
    raise ValueError(
      f"{os.fspath(path)} cannot be read as a .npy file ({error}): write it "
      "with numpy.save."
    ) from error
  if not isinstance(array, np.ndarray):
    raise ValueError(
      f"{os.fspath(path)} is an archive of arrays: write one array with "
      "numpy.save."
    )
  return array
