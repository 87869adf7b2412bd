"""From images to packed codes with a trained network."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Shaped, UInt8

from dsth_jax import codes, feature_transforms, features
from dsth_jax.datasets import image_files
from dsth_jax.models import inference
from dsth_jax.models import variables as variables_lib
from dsth_jax.models.hash_models import HASH_MODELS
from dsth_jax.runtime import artifacts
from dsth_jax.types import ArrayLike

# Of the folder that `HashFunction.save` writes.
_FORMAT = 2
_SETTINGS_FILE = "hash_function.json"
_UNCHANGED = feature_transforms.Transform(())


@dataclasses.dataclass(frozen=True)
class HashFunction:
  """A trained hash network with its preprocessing and thresholds.

  Attributes:
    network: a name in `HASH_MODELS`.
    settings: of the network.
    num_bits: bits of a code.
    image_size: side in pixels of the images that it takes.
    batch_size: images that are encoded at once.
    variables: of the network.
    thresholds: a bit is 1 where its value reaches its threshold (Eq. 13).
    fingerprint: of all that it was made from.
    backbones: what describes the images, joined by "+", where the network sees
      features; empty where it sees pixels, or features of a file.
    weights: of the backbones, see `features.check_backbones`.
    transform: of their features.
    resized_size: pixels of the short side of an image before its center of
      `image_size` is cropped, see `datasets.resize_and_crop`; 0: `image_size`.
    tuned: the variables of each backbone that was trained further, by its name.
    max_pixels: an image file with more is skipped.
    stored_size: side in pixels that the short side of a larger image file is
      first shrunk to.
    engine: see `inference.compile_forward`.
  """

  network: str
  settings: Mapping[str, Any]
  num_bits: int
  image_size: int
  batch_size: int
  variables: Any
  thresholds: Float[ArrayLike, "b"]
  fingerprint: str
  backbones: str = ""
  weights: str = ""
  transform: feature_transforms.Transform = _UNCHANGED
  resized_size: int = 0
  tuned: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  max_pixels: int = image_files.MAX_PIXELS
  stored_size: int = 256
  engine: str = "auto"

  def encode(self, images: UInt8[ArrayLike, "n s s 3"]) -> UInt8[Array, "n w"]:
    """Returns the packed codes of images.

    Args:
      images: as `datasets.resize_and_crop` makes them of images of any size,
        with `image_size` and `resized_size`; the first call compiles.

    Raises:
      ValueError: the images have another shape, or the network has learned
        from features of a file, which new images do not have.
    """
    values = batch_values(self._forward_batch, images, self.batch_size)
    empty = np.zeros((0, self.num_bits), np.float32)
    bits = codes.binarize(np.concatenate([empty, *values]), self.thresholds)
    return codes.pack(bits)

  def to_onnx(self) -> bytes:
    """Returns pixels to values as one ONNX model, for `batch_size` images.

    Raises:
      ValueError: a backbone is a .onnx file itself, or there is none.
    """
    shape = (self.batch_size, self.image_size, self.image_size, 3)
    return inference.export_onnx(self._forward(), shape)

  @functools.cached_property
  def _forward_batch(self) -> inference.ForwardBatch:
    compiled = functools.partial(
      inference.compile_forward, batch_size=self.batch_size, engine=self.engine
    )
    if ".onnx" not in self.backbones:
      side = self.image_size
      return compiled(self._forward(), item_shape=(side, side, 3))
    describe = [
      features.backbone(
        name,
        weights=weights,
        image_size=self.image_size,
        batch_size=self.batch_size,
        engine=self.engine,
      )
      for name, weights in features.check_backbones(
        self.backbones, self.weights
      )
    ]
    num_features = sum(size for _, size in describe)
    head = compiled(self._network(), item_shape=(num_features,))
    return lambda images: head(
      self.transform([forward_batch(images) for forward_batch, _ in describe])
    )

  def _network(self) -> inference.Forward:
    return network_forward(
      self.network, self.num_bits, self.settings, self.variables
    )

  def _forward(self) -> inference.Forward:
    """Returns the function of pixels to values."""
    network = self._network()
    if HASH_MODELS[self.network].inputs == "images":
      return network
    if not self.backbones:
      raise ValueError(
        "this hash function has learned from features of a file "
        "(features.file), which new images do not have: run again with a "
        "features.backbone."
      )
    describe = features.forward(
      self.backbones, self.weights, self.transform, self.tuned
    )
    return lambda pixels: network(describe(pixels))

  def save(self, directory: str | os.PathLike) -> None:
    """Writes the hash function as a folder, from which `load` reads it.

    Raises:
      OSError: the folder cannot be written.
    """
    path = pathlib.Path(directory)
    path.mkdir(parents=True, exist_ok=True)
    arrays = {f"{name}.npy": array for name, array in self.arrays().items()}
    for name, array in arrays.items():
      with artifacts.replacing_file(path / name) as file:
        np.save(file, array)
    artifacts.write_json(path / _SETTINGS_FILE, self.record())
    artifacts.seal(path, self.fingerprint, [*arrays, _SETTINGS_FILE])

  def arrays(self) -> dict[str, np.ndarray]:
    """Returns all arrays by file name."""
    means = {
      f"mean.{number}": np.asarray(mean)
      for number, mean in enumerate(self.transform.means)
    }
    tuned = {
      f"{name}.{key}": array
      for name, variables in self.tuned.items()
      for key, array in variables_lib.flatten(variables).items()
    }
    thresholds = {"thresholds": np.asarray(self.thresholds)}
    return {
      **thresholds,
      **means,
      **tuned,
      **variables_lib.flatten(self.variables),
    }

  def record(self) -> dict[str, Any]:
    """Returns all that is not an array, fit for JSON."""
    return {
      "format": _FORMAT,
      "network": self.network,
      "settings": dict(self.settings),
      "num_bits": self.num_bits,
      "image_size": self.image_size,
      "batch_size": self.batch_size,
      "fingerprint": self.fingerprint,
      "backbones": self.backbones,
      "weights": self.weights,
      "files": features.file_digests(self.backbones, self.weights),
      "tuned": list(self.tuned),
      "num_means": len(self.transform.means),
      "root": self.transform.root,
      "unit": self.transform.unit,
      "resized_size": self.resized_size,
      "max_pixels": self.max_pixels,
      "stored_size": self.stored_size,
      "engine": self.engine,
    }

  @classmethod
  def load(cls, directory: str | os.PathLike) -> "HashFunction":
    """Reads what `save` has written.

    Raises:
      ValueError: there is no hash function in the folder, or one of a newer
        version of dsth_jax; one of its files is damaged; or a file of its
        backbones has changed.
    """
    path = pathlib.Path(directory)
    if not (path / _SETTINGS_FILE).is_file():
      raise ValueError(
        f"{path} holds no hash function: there is no {_SETTINGS_FILE} in it. "
        "Name the folder hash_function of a finished run."
      )
    artifacts.refuse_damage(
      path, "copy the whole folder again, or make it again"
    )
    record = artifacts.read_json(path / _SETTINGS_FILE)
    artifacts.check_format(path, record.pop("format", 0), _FORMAT)
    try:
      return cls._from_record(path, record)
    except (KeyError, TypeError) as error:
      raise ValueError(
        f"the hash function in {path} is incomplete, it lacks or does not know "
        f"{error}: copy the whole folder again."
      ) from error

  @classmethod
  def _from_record(
    cls, path: pathlib.Path, record: dict[str, Any]
  ) -> "HashFunction":
    files = record.pop("files")
    found = features.file_digests(record["backbones"], record["weights"])
    changed = [file for file in files if found[file] != files[file]]
    if changed:
      raise ValueError(
        f"the hash function in {path} describes images by {changed[0]}, which "
        "has changed or is missing: put the file back, or run again."
      )
    arrays = {file.stem: np.load(file) for file in path.glob("*.npy")}
    means = tuple(
      arrays.pop(f"mean.{number}") for number in range(record.pop("num_means"))
    )
    transform = feature_transforms.Transform(
      means, record.pop("root"), record.pop("unit")
    )
    tuned = {
      name: variables_lib.unflatten(arrays, prefix=f"{name}.")
      for name in record.pop("tuned", ())
    }
    settings = {
      name: tuple(value) if isinstance(value, list) else value
      for name, value in record.pop("settings").items()
    }
    return cls(
      **record,
      settings=settings,
      thresholds=arrays.pop("thresholds"),
      variables=variables_lib.unflatten(arrays),
      transform=transform,
      tuned=tuned,
    )


def network_forward(
  network: str, num_bits: int, settings: Mapping[str, Any], variables: Any
) -> inference.Forward:
  """Returns the function of a trained network's own inputs to values."""
  model = HASH_MODELS[network]
  module = model.build(num_bits, settings)

  def forward(inputs: Array) -> Array:
    return jnp.asarray(module.apply(variables, model.preprocess(inputs)))

  return forward


def batch_values(
  forward_batch: inference.ForwardBatch,
  inputs: Shaped[ArrayLike, "n ..."] | Any,
  batch_size: int,
) -> Iterator[Float[np.ndarray, "m b"]]:
  """Yields a network's values, batch by batch.

  Args:
    forward_batch: of at most `batch_size` inputs.
    inputs: images or features, with `len` and ranges of rows.
    batch_size: inputs a call.
  """
  for first in range(0, len(inputs), batch_size):
    yield forward_batch(np.asarray(inputs[first : first + batch_size]))


# Of the network's own values over the training images; `labels` are the
# thresholds that made the hash labels (section III-B), and need no values.
THRESHOLDS: dict[str, Callable[[Array], Array]] = {
  **codes.THRESHOLDS,
  "half": codes.half_thresholds,
}
