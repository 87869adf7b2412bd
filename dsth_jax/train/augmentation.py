"""Random changes of the images that a step sees."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, Shaped, UInt8


@runtime_checkable
class Augment(Protocol):
  """`augment(pixels, key)`: what a step does to its images, on the device.

  It may return several views of them, one after another along the first axis.
  """

  def __call__(self, pixels: Array, key: Array, /) -> Array:
    """Returns pixels of 0 to 255."""
    ...


class Augmentation(NamedTuple):
  """Random changes that leave an image's neighbors the same.

  Attributes:
    flip: mirrors half of the images.
    shift: the most pixels that an image is moved along each axis.
  """

  flip: bool
  shift: int

  def __call__(
    self, pixels: UInt8[Array, "n s s 3"], key: Key[Array, ""]
  ) -> UInt8[Array, "n s s 3"]:
    """Changes every image by a draw of its own."""
    return augment(pixels, self, key)


def augment(
  pixels: UInt8[Array, "n s s 3"],
  augmentation: Augmentation,
  key: Key[Array, ""],
) -> UInt8[Array, "n s s 3"]:
  """Flips and shifts every image by a draw of its own."""
  flip_key, shift_key = jax.random.split(key)
  num_images, size = pixels.shape[:2]
  if augmentation.flip:
    flipped = jax.random.bernoulli(flip_key, shape=(num_images, 1, 1, 1))
    pixels = jnp.where(flipped, pixels[:, :, ::-1], pixels)
  if augmentation.shift:
    border = augmentation.shift
    around = ((0, 0), (border, border), (border, border), (0, 0))
    padded = jnp.pad(pixels, around, mode="edge")
    corners = jax.random.randint(shift_key, (num_images, 2), 0, 2 * border + 1)

    def crop(image: Array, corner: Array) -> Array:
      start = (corner[0], corner[1], 0)
      return jax.lax.dynamic_slice(image, start, (size, size, 3))

    pixels = jax.vmap(crop)(padded, corners)
  return pixels


def mixup(
  inputs: Float[Array, "n ..."],
  targets: Shaped[Array, "n b"],
  alpha: float,
  key: Key[Array, ""],
) -> tuple[Float[Array, "n ..."], Float[Array, "n b"]]:
  """Blends every input, and its targets, with those of another of the batch.

      x_i <- m x_i + (1 - m) x_j,   m the larger of a draw r and 1 - r

  r is one draw of the Beta distribution for the batch, and j a permutation.

  Args:
    inputs: as the network takes them.
    targets: hash labels.
    alpha: both parameters of the distribution, above 0.
    key: of the draws.

  References:
    Zhang et al., mixup: beyond empirical risk minimization, ICLR 2018.
  """
  share_key, order_key = jax.random.split(key)
  drawn = jax.random.beta(share_key, alpha, alpha)
  share = jnp.maximum(drawn, 1 - drawn)
  partners = jax.random.permutation(order_key, len(inputs))

  def blend(rows: Array) -> Array:
    rows = rows.astype(jnp.float32)
    return share * rows + (1 - share) * rows[partners]

  return blend(inputs), blend(targets)
