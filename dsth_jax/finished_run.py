"""A finished run, searched with new photographs.

Imports only what a search needs, so that a command answers fast.
"""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from dsth_jax import datasets, encode, hamming
from dsth_jax.datasets import image_files, image_reduction
from dsth_jax.runtime import artifacts, records

_CODES, _HASH_FUNCTION = "codes", "hash_function"
# What the codes follow from: none of it may be of other settings.
STAGES = ("graph", "embedding", "labels", "training", _CODES, _HASH_FUNCTION)

Photo = str | os.PathLike | np.ndarray


class Match(NamedTuple):
  """An image of the run that is near a photograph.

  Attributes:
    name: of the image; below the run's folder of images it opens the file.
    distance: the number of bits in which the codes differ.
    row: of the image in `codes/packed.npy`.
  """

  name: str
  distance: int
  row: int


class Answer(NamedTuple):
  """What was found for a photograph.

  Attributes:
    query: its path, or the number of an array among the photographs.
    matches: the nearest images, nearest first; ties in the order of the rows.
    error: why there are none; empty if there are.
  """

  query: str
  matches: tuple[Match, ...]
  error: str = ""


class FinishedRun:
  """The codes of a run and what encodes new photographs.

  Attributes:
    hash_function: of the run.
    packed: the codes of all its images, UInt8[n w].
    names: of these images.
  """

  def __init__(
    self,
    hash_function: encode.HashFunction,
    packed: UInt8[np.ndarray, "n w"],
    names: Sequence[str],
  ):
    self.hash_function, self.packed = hash_function, packed
    self.names = tuple(names)

  def search(
    self, photos: Sequence[Photo], *, num_results: int = 10
  ) -> list[Answer]:
    """Returns the nearest images of the run for every photograph.

    A photograph is prepared as the images of the run were, so that one of them
    finds itself at distance 0. A file that cannot be read has an answer with an
    error, and the others are answered.

    Args:
      photos: paths of image files, or pixels UInt8[h w 3].
      num_results: of each photograph, or all images if there are fewer.

    Raises:
      ValueError: `num_results` is below 1, or an array has no such pixels.
    """
    if num_results < 1:
      raise ValueError(
        f"num_results is {num_results}: ask for at least one image."
      )
    if isinstance(photos, str | os.PathLike | np.ndarray):
      raise ValueError("photos is one photograph: pass a list of them.")
    prepared = [self._prepare(photo) for photo in photos]
    pixels = [image for image in prepared if not isinstance(image, str)]
    matches = iter(self._matches(pixels, num_results))
    return [
      Answer(_query(number, photo), (), image)
      if isinstance(image, str)
      else Answer(_query(number, photo), next(matches))
      for number, (photo, image) in enumerate(zip(photos, prepared))
    ]

  def _prepare(self, photo: Photo) -> UInt8[np.ndarray, "s s 3"] | str:
    """Returns the pixels as the hash function takes them, or what is wrong."""
    limit = self.hash_function.stored_size
    if isinstance(photo, np.ndarray):
      if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise ValueError(
          f"a photograph is {photo.dtype}{list(photo.shape)}, but RGB pixels "
          "uint8[height, width, 3] are needed: convert it, or pass its path."
        )
      stored = np.asarray(image_reduction.small(Image.fromarray(photo), limit))
      return self._resized(stored)
    try:
      with image_files.without_pixel_limit(), open(photo, "rb") as file:
        stored = image_files.stored_pixels(
          file,
          max_pixels=self.hash_function.max_pixels,
          stored_size=limit,
        )
      return self._resized(stored)
    except OSError as error:
      if error.errno is not None:
        return f"cannot be opened: {error.strerror}"
      return image_files.skip_reason(error)
    except Exception as error:
      return image_files.skip_reason(error)

  def _resized(
    self, stored: UInt8[np.ndarray, "h w 3"]
  ) -> UInt8[np.ndarray, "s s 3"]:
    return datasets.resize_and_crop(
      stored, self.hash_function.image_size, self.hash_function.resized_size
    )

  def _matches(
    self, pixels: Sequence[UInt8[np.ndarray, "s s 3"]], num_results: int
  ) -> list[tuple[Match, ...]]:
    if not pixels:
      return []
    found = hamming.search(
      self.hash_function.encode(np.stack(pixels)),
      self.packed,
      num_results=min(num_results, len(self.packed)),
    )
    distances, rows = np.asarray(found.distances), np.asarray(found.indices)
    return [
      tuple(
        Match(self.names[row], distance, row)
        for distance, row in zip(*map(np.ndarray.tolist, each))
      )
      for each in zip(distances, rows)
    ]


def open_run(
  path: str | os.PathLike, *, batch_size: int | None = 1
) -> FinishedRun:
  """Opens a finished run to search it.

  >>> open_run("runs/photographs").search(["new.jpg"])  # doctest: +SKIP
  [Answer(query='new.jpg', matches=(Match(name='2023/7.jpg', distance=3, ...

  Args:
    path: its working directory.
    batch_size: photographs that are encoded at once; None: as in the run.

  Raises:
    ValueError: there is no run, it is not finished with the settings in its
      config.json, or one of its files is damaged.
  """
  path = pathlib.Path(path)
  if not (path / "config.json").is_file():
    raise ValueError(
      f"{path} is not the working directory of a run, or of one that has not "
      "begun: there is no config.json in it."
    )
  settings = artifacts.read_json(path / "config.json")
  needed = [records.read(path / name) for name in (_CODES, _HASH_FUNCTION)]
  if None in needed or not all(
    records.is_current(path, name, settings) for name in STAGES
  ):
    raise ValueError(
      f"the run in {path} is not finished with the settings in its "
      "config.json, and has no codes to search: give its command again, and it "
      "goes on to the end."
    )
  for name in (_CODES, _HASH_FUNCTION):
    artifacts.refuse_damage(
      path / name, "give the run's command again, and it makes it again"
    )
  hash_function = encode.HashFunction.load(path / _HASH_FUNCTION)
  if batch_size is not None:
    hash_function = dataclasses.replace(hash_function, batch_size=batch_size)
  return FinishedRun(
    hash_function,
    np.load(path / _CODES / "packed.npy"),
    datasets.read_names(path / _CODES / "names.txt"),
  )


def _query(number: int, photo: Photo) -> str:
  return f"{number}" if isinstance(photo, np.ndarray) else os.fspath(photo)
