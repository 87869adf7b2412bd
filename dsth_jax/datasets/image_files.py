"""The stored bytes of an image file, and their pixels."""

import contextlib
import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from dsth_jax.datasets import (
  color_conversion,
  dataset,
  file_kinds,
  image_reduction,
  pixel_budget,
  proportions,
)

# Phones take 200 megapixels.
MAX_PIXELS = 250_000_000
MAX_BYTES = 1_000_000_000

# These decoders keep several copies of an image, up to 16 bytes a pixel.
_COSTLY = ("AVIF", "HEIF", "JPEG2000", "WEBP")
_COSTLY_SHARE = 4
# Pixels in memory at the same time, at some 12 bytes each.
_BUDGET = pixel_budget.PixelBudget(100_000_000)
# Bytes before the codestream of JPEG 2000: boxes, among them a color profile.
_JPEG2000_HEAD = 4_000_000
# Stored as they are only below; a small image may carry any other data.
_MOST_STORED_BYTES = 8_000_000


# Left, top, right and bottom in pixels, as the lists of Oxford Buildings have it.
Box = tuple[float, float, float, float]


class Limits(NamedTuple):
  """Which image files are read, and what is stored of them.

  Attributes:
    max_pixels: a file with more is skipped.
    stored_size: side in pixels that a longer short side is shrunk to.
    max_bytes: a file with more is skipped.
  """

  max_pixels: int = MAX_PIXELS
  stored_size: int = 256
  max_bytes: int = MAX_BYTES


class TooLargeError(ValueError):
  """A file has more pixels or bytes than it may."""


class UnknownFormatError(ValueError):
  """The content of a file is of no format that is read."""


class BoxError(ValueError):
  """A box has no pixel of its image."""


def stored_bytes(
  file: BinaryIO | io.BytesIO,
  *,
  max_pixels: int,
  stored_size: int,
  max_bytes: int = MAX_BYTES,
) -> bytes:
  """Returns JPEG or PNG bytes that decode to the upright sRGB image.

  The bytes of the file are returned if they are that and small enough.
  Otherwise the first frame is rotated by its EXIF data, put over white where it
  is transparent, cut to its center where one side is over 16 times the other,
  shrunk with antialiasing until its short side is `stored_size`, and converted
  from its color profile to sRGB; a JPEG is encoded with quality 95, others as
  PNG.

  Args:
    file: at its beginning.
    max_pixels: limit for width times height, checked before any decoding. Of
      AVIF, HEIC, JPEG 2000 and WebP, which take most memory, a quarter of it.
    stored_size: limit for the short side.
    max_bytes: limit for the file.

  Raises:
    TooLargeError: the file has more than `max_pixels` pixels, or `max_bytes`
      bytes.
    UnknownFormatError: its content is of no format that is read.
    Exception: any that Pillow raises on broken bytes.
  """
  with _opened(file, max_pixels, stored_size, max_bytes) as image:
    if _is_storable(image, stored_size) and _length(file) < _MOST_STORED_BYTES:
      file.seek(0)
      return file.read()
    return _encode(
      image_reduction.small(image, stored_size), lossy=_is_lossy(image)
    )


def stored_pixels(
  file: BinaryIO | io.BytesIO,
  *,
  max_pixels: int,
  stored_size: int,
  max_bytes: int = MAX_BYTES,
) -> UInt8[np.ndarray, "height width 3"]:
  """Returns the decoded pixels of `stored_bytes`, read-only, in less time.

  A JPEG that is shrunk is still encoded as JPEG once more, as the pixels that a
  network was trained on.

  Args:
    file: at its beginning.
    max_pixels: as in `stored_bytes`, and so are the errors.
    stored_size: as in `stored_bytes`.
    max_bytes: as in `stored_bytes`.
  """
  with _opened(file, max_pixels, stored_size, max_bytes) as image:
    if _is_storable(image, stored_size) and _length(file) < _MOST_STORED_BYTES:
      return np.asarray(image.convert("RGB"))
    small = image_reduction.small(image, stored_size)
    if _is_lossy(image):
      return dataset.decode(_encode(small, lossy=True))
    return np.asarray(small)


def png_bytes(pixels: UInt8[np.ndarray, "height width *rgb"]) -> bytes:
  """Returns gray or RGB pixels as PNG, which keeps them exactly."""
  return _encode(Image.fromarray(pixels), lossy=False)


def cropped_bytes(
  file: BinaryIO | io.BytesIO,
  box: Box,
  *,
  max_pixels: int,
  max_bytes: int = MAX_BYTES,
) -> bytes:
  """Returns the pixels of an image inside a box, as PNG.

  The sides of the box are rounded to whole pixels, halves to even, and cut off
  at the image, as Pillow's `Image.crop` does in the evaluation of Radenovic et
  al. (cnnimageretrieval-pytorch).

  Args:
    file: at its beginning.
    box: in the pixels of the file, before any rotation by EXIF data.
    max_pixels: as in `stored_bytes`.
    max_bytes: as in `stored_bytes`.

  Raises:
    BoxError: the box has no pixel of the image.
    TooLargeError: as in `stored_bytes`, and so are the other errors.
  """
  with _opened(file, max_pixels, None, max_bytes) as image:
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
    return _encode(image_reduction.part(image, inside), lossy=False)


def too_many_bytes(max_bytes: int, length: int | None = None) -> str:
  """Returns the reason to skip a file with more than `max_bytes` bytes."""
  found = f"{length:,}, more" if length else "more"
  return (
    f"has too many bytes: {found} than max_bytes = {max_bytes:,}; raise "
    "--config.data.max_bytes, or --max_bytes of encode_shards"
  )


def skip_reason(error: Exception) -> str:
  """Returns why one of the functions above could not read an image.

  The text up to a colon is one of few; the rest is of the file.

  Raises:
    Exception: the error itself, if the image is not its cause: a failing disk
      or network, or a wrong box, must not count as a broken image.
  """
  if isinstance(error, BoxError):
    raise error
  if isinstance(
    error, TooLargeError | UnknownFormatError | color_conversion.SampleError
  ):
    return str(error)
  # An error with a number comes from the system, not from Pillow.
  if isinstance(error, OSError) and error.errno is not None:
    if isinstance(error, FileNotFoundError | PermissionError):
      return f"cannot be opened: {error.strerror}"
    raise error
  # Messages of Pillow may have lines.
  return f"is truncated or damaged: {' '.join(str(error).split())}"


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
  file: BinaryIO | io.BytesIO,
  max_pixels: int,
  stored_size: int | None,
  max_bytes: int,
) -> Iterator[Image.Image]:
  """Opens and decodes an image that is not too large; None keeps its size."""
  length = _length(file)
  if length > max_bytes:
    raise TooLargeError(too_many_bytes(max_bytes, length))
  with _identified(file) as image:
    num_pixels = _check_pixels(image, max_pixels)
    if image.format == "JPEG2000":
      file.seek(0)
      color_conversion.check_jpeg2000(file.read(_JPEG2000_HEAD))
    # A JPEG decodes several times faster at a half, a quarter or an eighth;
    # twice the final size leaves the antialiasing below enough to average.
    if stored_size is not None:
      image.draft(None, (2 * stored_size, 2 * stored_size))
    with _BUDGET.taken(_cost(image, num_pixels)):
      image.load()
      yield image


def _identified(file: BinaryIO | io.BytesIO) -> Image.Image:
  try:
    return Image.open(file, formats=file_kinds.formats())
  except UnidentifiedImageError as error:
    file.seek(0)
    head = file.read(file_kinds.HEAD_BYTES)
    if file_kinds.begins_as_image(head) and not file_kinds.lacks_decoder(head):
      raise ValueError("its header cannot be read") from error
    raise UnknownFormatError(file_kinds.unreadable(head)) from error


def _check_pixels(image: Image.Image, max_pixels: int) -> int:
  """Returns the number of pixels, unless there are too many."""
  width, height = image.size
  share = _COSTLY_SHARE if image.format in _COSTLY else 1
  if width * height * share <= max_pixels:
    return width * height
  more = " a quarter of" if share > 1 else ""
  raise TooLargeError(
    f"has too many pixels: {width} x {height}, more than{more} max_pixels = "
    f"{max_pixels:,}; raise --config.data.max_pixels, or --max_pixels of "
    "encode_shards"
  )


def _cost(image: Image.Image, num_pixels: int) -> int:
  """Returns the pixels that decoding holds in memory, at the cost of PNG."""
  # All of a progressive JPEG is in memory, whatever the size that is drafted.
  if image.info.get("progressive"):
    return num_pixels
  width, height = image.size
  return width * height * (_COSTLY_SHARE if image.format in _COSTLY else 1)


def _length(file: BinaryIO | io.BytesIO) -> int:
  place = file.tell()
  length = file.seek(0, io.SEEK_END)
  file.seek(place)
  return length


def _is_lossy(image: Image.Image) -> bool:
  # Pillow's name for a JPEG with several pictures is MPO.
  return image.format in ("JPEG", "MPO")


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
    and proportions.central(*image.size)[2:] == image.size
    and image_reduction.is_upright(image)
    and color_conversion.profile(image) is None
  )
