"""From images to packed codes with a trained network."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, UInt8

from dsth_jax import codes, datasets
from dsth_jax.models import inference
from dsth_jax.models.hash_models import simplenet
from dsth_jax.types import ArrayLike

# Eq. 22 cuts a sigmoid's outputs, and so those of ReLU, at one half.
HALF = 0.5


class HashFunction(NamedTuple):
  """Turns pixels into codes: one forward pass, then a cut a bit.

  Attributes:
    values: maps UInt8[n s s 3] to Float32[n b].
    thresholds: a bit is 1 where its value reaches its threshold (Eq. 13).
  """

  values: Callable[[np.ndarray], np.ndarray]
  thresholds: Float[ArrayLike, "b"]

  def __call__(
    self, pixels: UInt8[ArrayLike, "n s s 3"]
  ) -> UInt8[Array, "n w"]:
    """Returns the packed codes of a batch of images."""
    values = self.values(np.asarray(pixels))
    return codes.pack(codes.binarize(values, self.thresholds))


def compile_network(
  model: nn.Module,
  variables: Any,
  *,
  image_size: int,
  batch_size: int,
  engine: str = "auto",
) -> Callable[[np.ndarray], np.ndarray]:
  """Compiles a trained network with the fastest engine of this device.

  Args:
    model: maps scaled images to one number a bit.
    variables: its trained variables.
    image_size: pixels a side.
    batch_size: most images a call.
    engine: see `dsth_jax.models.inference`.

  Returns:
    Maps UInt8[n s s 3] to Float32[n b], for n up to `batch_size`.
  """

  def forward(pixels: Array) -> Array:
    values = model.apply(variables, simplenet.preprocess(pixels))
    return jnp.asarray(values)

  return inference.compile_forward(
    forward, image_size=image_size, batch_size=batch_size, engine=engine
  )


def values(
  network: Callable[[np.ndarray], np.ndarray],
  pixels: UInt8[ArrayLike, "n s s 3"] | datasets.Selection,
  *,
  batch_size: int,
  start: int = 0,
) -> Iterator[Float[np.ndarray, "m b"]]:
  """Yields a network's values batch by batch, from image `start` on."""
  for first in range(start, len(pixels), batch_size):
    yield network(np.asarray(pixels[first : first + batch_size]))


def half_thresholds(values: Float[ArrayLike, "n b"]) -> Float[Array, "b"]:
  """Returns one half for every bit (Eq. 22)."""
  return jnp.full(values.shape[1], HALF)


# Of the network's own values over the training images; `labels` are the
# thresholds that made the hash labels (section III-B), and need no values.
THRESHOLDS = {**codes.THRESHOLDS, "half": half_thresholds}
