"""Random views of images: rotated, cropped, recolored, blurred.

Pixels stay floats of 0 to 255.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, Num, UInt8


def rotate(
  pixels: Float[Array, "n s s 3"], angles: Float[Array, "n"]
) -> Float[Array, "n s s 3"]:
  """Rotates each image about its center, counter-clockwise, by radians."""
  cosine, sine = jnp.cos(angles), jnp.sin(angles)
  matrices = jnp.stack([cosine, sine, -sine, cosine], axis=1)
  return resample(
    pixels, matrices.reshape(-1, 2, 2), jnp.zeros((len(pixels), 2))
  )


def resample(
  pixels: Float[Array, "n s s 3"],
  matrices: Float[Array, "n 2 2"],
  offsets: Float[Array, "n 2"],
) -> Float[Array, "n s s 3"]:
  """Reads the pixel at p from the image at M p + t, between pixels linearly.

  Args:
    pixels: values of 0 to 255.
    matrices: M, for (row, column) from the center of the image.
    offsets: t.

  Returns:
    Images of the same size; beyond an edge its pixels repeat.
  """
  size = pixels.shape[1]
  center = (size - 1) / 2
  axis = jnp.arange(size) - center
  grid = jnp.stack(jnp.meshgrid(axis, axis, indexing="ij"))

  def read(image: Array, matrix: Array, offset: Array) -> Array:
    places = jnp.tensordot(matrix, grid, 1) + offset[:, None, None] + center
    places = jnp.clip(places, 0, size - 1)
    low = jnp.floor(places).astype(jnp.int32)
    high = jnp.minimum(low + 1, size - 1)
    down, right = (places - low)[..., None]
    # All channels of a pixel at once, in a fraction of map_coordinates' time.
    flat = image.reshape(-1, 3)

    def at(rows: Array, columns: Array) -> Array:
      return flat[rows * size + columns]

    above = (1 - right) * at(low[0], low[1]) + right * at(low[0], high[1])
    below = (1 - right) * at(high[0], low[1]) + right * at(high[0], high[1])
    return (1 - down) * above + down * below

  return jax.vmap(read)(pixels, matrices, offsets)


def two_views(
  pixels: UInt8[Array, "n s s 3"], key: Key[Array, ""]
) -> Float[Array, "v s s 3"]:
  """Returns one random view of each image and, after them, another."""
  return random_view(jnp.tile(pixels, (2, 1, 1, 1)), key)


def random_view(
  pixels: Num[Array, "n s s 3"], key: Key[Array, ""]
) -> Float[Array, "n s s 3"]:
  """Crops, mirrors, recolors and blurs each image by draws of its own.

  References:
    The authors' program of CIBHash, after SimCLR (Chen et al., ICML 2020).
  """
  crop_key, color_key, blur_key = jax.random.split(key, 3)
  cropped = crop(pixels.astype(jnp.float32), crop_key)
  return blur(recolor(cropped, color_key), blur_key)


def crop(
  pixels: Float[Array, "n s s 3"], key: Key[Array, ""]
) -> Float[Array, "n s s 3"]:
  """Enlarges a part of each image, and mirrors half of them.

  The part is a square of half to all of the image's area.
  """
  area_key, place_key, flip_key = jax.random.split(key, 3)
  num_images, size = pixels.shape[:2]
  areas = jax.random.uniform(area_key, (num_images,), minval=0.5)
  sides = jnp.sqrt(areas)
  room = (1 - sides) * size / 2
  places = jax.random.uniform(place_key, (num_images, 2), minval=-1.0)
  flips = jax.random.rademacher(flip_key, (num_images,), jnp.float32)
  scales = jnp.stack([sides, sides * flips], axis=1)
  matrices = scales[:, :, None] * jnp.eye(2)[None]
  return resample(pixels, matrices, places * room[:, None])


def recolor(
  pixels: Float[Array, "n s s 3"], key: Key[Array, ""]
) -> Float[Array, "n s s 3"]:
  """Changes brightness, contrast, saturation and hue.

  This is done to 70 percent of the images, the first three by up to 40 percent,
  and hues by up to a tenth of the color circle; 20 percent then become gray.
  """
  change_key, hue_key, apply_key, gray_key = jax.random.split(key, 4)
  shape = (len(pixels), 1, 1, 1)
  low, high = 0.6, 1.4
  brightness, contrast, saturation = jax.random.uniform(
    change_key, (3, *shape), minval=low, maxval=high
  )
  changed = jnp.clip(pixels * brightness, 0.0, 255.0)
  mean = jnp.mean(_gray(changed), axis=(1, 2), keepdims=True)
  changed = jnp.clip(mean + contrast * (changed - mean), 0.0, 255.0)
  gray = _gray(changed)
  changed = jnp.clip(gray + saturation * (changed - gray), 0.0, 255.0)
  shifts = jax.random.uniform(hue_key, shape[:1], minval=-0.1, maxval=0.1)
  changed = shift_hues(changed, shifts)
  is_changed = jax.random.bernoulli(apply_key, 0.7, shape)
  pixels = jnp.where(is_changed, changed, pixels)
  is_gray = jax.random.bernoulli(gray_key, 0.2, shape)
  return jnp.where(is_gray, _gray(pixels), pixels)


def shift_hues(
  pixels: Float[Array, "n s s 3"], shifts: Float[Array, "n"]
) -> Float[Array, "n s s 3"]:
  """Moves each image's hues along the color circle of HSV.

  Args:
    pixels: of any scale.
    shifts: 1 is the whole circle.
  """
  red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
  highest = jnp.max(pixels, axis=3)
  chroma = highest - jnp.min(pixels, axis=3)
  scale = jnp.where(chroma > 0, chroma, 1.0)
  sixths = jnp.where(
    highest == red,
    (green - blue) / scale,
    jnp.where(
      highest == green, 2 + (blue - red) / scale, 4 + (red - green) / scale
    ),
  )
  sixths = sixths + 6 * shifts[:, None, None]

  def channel(offset: int) -> Array:
    place = offset + sixths
    # In a third of the time of jnp.mod.
    place = place - 6 * jnp.floor(place / 6)
    return highest - chroma * jnp.clip(jnp.minimum(place, 4 - place), 0, 1)

  return jnp.stack([channel(5), channel(3), channel(1)], axis=3)


def blur(
  pixels: Float[Array, "n s s 3"], key: Key[Array, ""]
) -> Float[Array, "n s s 3"]:
  """Blurs half of the images by a Gaussian of 3 x 3 pixels.

  Its standard deviation is drawn from 0.1 to 2.
  """
  apply_key, width_key = jax.random.split(key)
  shape = (len(pixels), 1, 1, 1)
  widths = jax.random.uniform(width_key, shape, minval=0.1, maxval=2.0)
  side = jnp.exp(-0.5 / widths**2)
  blurred = pixels
  for axis in (1, 2):
    around = [(0, 0)] * 4
    around[axis] = (1, 1)
    padded = jnp.pad(blurred, around, mode="reflect")
    before, after = (
      jax.lax.slice_in_dim(padded, start, start + pixels.shape[axis], axis=axis)
      for start in (0, 2)
    )
    blurred = (blurred + side * (before + after)) / (1 + 2 * side)
  is_blurred = jax.random.bernoulli(apply_key, 0.5, shape)
  return jnp.where(is_blurred, blurred, pixels)


def _gray(pixels: Array) -> Array:
  """Returns the luma of ITU-R BT.601, [n s s 1]."""
  weights = jnp.array([0.299, 0.587, 0.114])
  return jnp.sum(pixels * weights[None, None, None, :], axis=3, keepdims=True)
