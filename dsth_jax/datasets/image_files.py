"""The stored bytes of an image file, and their pixels."""

import contextlib
import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image, UnidentifiedImageError

from dsth_jax.datasets import dataset

# Pillow opens many more. Hostile bytes cannot reach the decoders left out.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "WEBP")

# The transposition that undoes each value of the EXIF tag Orientation.
_UPRIGHT = {
  2: Image.Transpose.FLIP_LEFT_RIGHT,
  3: Image.Transpose.ROTATE_180,
  4: Image.Transpose.FLIP_TOP_BOTTOM,
  5: Image.Transpose.TRANSPOSE,
  6: Image.Transpose.ROTATE_270,
  7: Image.Transpose.TRANSVERSE,
  8: Image.Transpose.ROTATE_90,
}


# Left, top, right and bottom in pixels, as the lists of Oxford Buildings have it.
Box = tuple[float, float, float, float]


class TooLargeError(ValueError):
  """An image has more pixels than it may."""


class BoxError(ValueError):
  """A box has no pixel of its image."""


def stored_bytes(
  file: BinaryIO | io.BytesIO, *, max_pixels: int, stored_size: int
) -> bytes:
  """Returns JPEG or PNG bytes that decode to the upright RGB image.

  The bytes of the file are returned if they are that and small enough.
  Otherwise the first frame is rotated by its EXIF data, put over white where it
  is transparent, and shrunk with antialiasing until its short side is
  `stored_size`; a JPEG is encoded with quality 95, others as PNG.

  Args:
    file: at its beginning.
    max_pixels: limit for width times height, checked before any decoding.
    stored_size: limit for the short side.

  Raises:
    TooLargeError: the image has more than `max_pixels` pixels.
    Exception: any that Pillow raises on broken bytes.
  """
  with _opened(file, max_pixels, stored_size) as image:
    if _is_storable(image, stored_size):
      file.seek(0)
      return file.read()
    return _encode(_small(image, stored_size), lossy=_is_lossy(image))


def stored_pixels(
  file: BinaryIO | io.BytesIO, *, max_pixels: int, stored_size: int
) -> UInt8[np.ndarray, "height width 3"]:
  """Returns the decoded pixels of `stored_bytes`, read-only, in less time.

  A JPEG that is shrunk is still encoded as JPEG once more, as the pixels that a
  network was trained on.

  Args:
    file: at its beginning.
    max_pixels: as in `stored_bytes`, and so are the errors.
    stored_size: as in `stored_bytes`.
  """
  with _opened(file, max_pixels, stored_size) as image:
    if _is_storable(image, stored_size):
      return np.asarray(image.convert("RGB"))
    small = _small(image, stored_size)
    if _is_lossy(image):
      return dataset.decode(_encode(small, lossy=True))
    return np.asarray(small)


def png_bytes(pixels: UInt8[np.ndarray, "height width *rgb"]) -> bytes:
  """Returns gray or RGB pixels as PNG, which keeps them exactly."""
  return _encode(Image.fromarray(pixels), lossy=False)


def cropped_bytes(
  file: BinaryIO | io.BytesIO, box: Box, *, max_pixels: int
) -> bytes:
  """Returns the pixels of an image inside a box, as PNG.

  The sides of the box are rounded to whole pixels, halves to even, and cut off
  at the image, as Pillow's `Image.crop` does in the evaluation of Radenovic et
  al. (cnnimageretrieval-pytorch).

  Args:
    file: at its beginning.
    box: in the pixels of the file, before any rotation by EXIF data.
    max_pixels: as in `stored_bytes`.

  Raises:
    BoxError: the box has no pixel of the image.
    TooLargeError: as in `stored_bytes`, and so are the other errors.
  """
  with Image.open(file, formats=FORMATS) as image:
    _check_num_pixels(image, max_pixels)
    left, top, right, bottom = map(round, box)
    inside = (
      max(left, 0),
      max(top, 0),
      min(right, image.width),
      min(bottom, image.height),
    )
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
      raise BoxError(
        f"the box {' '.join(map(str, box))} (left, top, right, bottom) has no "
        f"pixel of the image of {image.width} x {image.height} pixels"
      )
    return _encode(_to_rgb(image).crop(inside), lossy=False)


def skip_reason(error: Exception) -> str:
  """Returns why one of the functions above could not read an image.

  Raises:
    Exception: the error itself, if the image is not its cause: a failing disk
      or network, or a wrong box, must not count as a broken image.
  """
  if isinstance(error, BoxError):
    raise error
  if isinstance(error, FileNotFoundError | PermissionError):
    return f"cannot be opened: {error.strerror}"
  if isinstance(error, UnidentifiedImageError):
    return "is not a JPEG, PNG, WebP, GIF or BMP image"
  if isinstance(error, TooLargeError):
    return str(error)
  # An error with a number comes from the system, not from Pillow.
  if isinstance(error, OSError) and error.errno is not None:
    raise error
  return f"is truncated or damaged: {error}"


@contextlib.contextmanager
def without_pixel_limit() -> Iterator[None]:
  """Disables Pillow's limit of pixels; `max_pixels` is the limit here."""
  limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
  try:
    yield
  finally:
    Image.MAX_IMAGE_PIXELS = limit


@contextlib.contextmanager
def _opened(
  file: BinaryIO | io.BytesIO, max_pixels: int, stored_size: int
) -> Iterator[Image.Image]:
  """Opens and decodes an image that is not too large."""
  with Image.open(file, formats=FORMATS) as image:
    _check_num_pixels(image, max_pixels)
    # A JPEG decodes several times faster at a half, a quarter or an eighth;
    # twice the final size leaves the antialiasing below enough to average.
    image.draft(None, (2 * stored_size, 2 * stored_size))
    image.load()
    yield image


def _check_num_pixels(image: Image.Image, max_pixels: int) -> None:
  width, height = image.size
  if width * height > max_pixels:
    raise TooLargeError(
      f"has {width} x {height} pixels, more than max_pixels = {max_pixels}"
    )


def _is_lossy(image: Image.Image) -> bool:
  # Pillow's name for a JPEG with several pictures is MPO.
  return image.format in ("JPEG", "MPO")


def _small(image: Image.Image, stored_size: int) -> Image.Image:
  return _shrink(_upright(_to_rgb(image), _orientation(image)), stored_size)


def _encode(image: Image.Image, *, lossy: bool) -> bytes:
  encoded = io.BytesIO()
  if lossy:
    image.save(encoded, "JPEG", quality=95)
  else:
    image.save(encoded, "PNG")
  return encoded.getvalue()


def _is_storable(image: Image.Image, stored_size: int) -> bool:
  return (
    image.format in ("JPEG", "PNG")
    and image.mode in ("L", "RGB")
    and not image.has_transparency_data
    and min(image.size) <= stored_size
    and _orientation(image) not in _UPRIGHT
  )


def _orientation(image: Image.Image) -> int:
  try:
    return image.getexif().get(ExifTags.Base.Orientation, 1)
  except Exception:
    # Damaged EXIF data leaves the pixels readable.
    return 1


def _to_rgb(image: Image.Image) -> Image.Image:
  if image.mode.startswith("I"):
    # Pillow clips 16 bits to 8; the image is in the upper 8.
    image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
  if not image.has_transparency_data:
    return image.convert("RGB")
  image = image.convert("RGBA")
  canvas = Image.new("RGB", image.size, "white")
  canvas.paste(image, mask=image.getchannel("A"))
  return canvas


def _upright(image: Image.Image, orientation: int) -> Image.Image:
  method = _UPRIGHT.get(orientation)
  return image if method is None else image.transpose(method)


def _shrink(image: Image.Image, stored_size: int) -> Image.Image:
  short = min(image.size)
  if short <= stored_size:
    return image
  width, height = (
    max(1, round(side * stored_size / short)) for side in image.size
  )
  return image.resize((width, height), Image.Resampling.BICUBIC)
