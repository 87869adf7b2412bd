"""Decoded images as 8-bit RGB in the color space sRGB, over white."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

# The color space that a profile needs to have for pixels of a mode.
_SPACES = {"CMYK": "CMYK", "L": "GRAY", "RGB": "RGB"}
# A profile that changes 8-bit values by no more is that of sRGB.
_SAME = 2
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262


class SampleError(ValueError):
  """Samples of an image have no defined range."""


def check_jpeg2000(head: bytes) -> None:
  """Refuses colors of more than 8 bits in JPEG 2000.

  Pillow 13 raises the largest of such samples above its range, which makes white
  black; shades of gray are read right.

  Args:
    head: the first bytes of the file, with the start of the codestream.

  Raises:
    SampleError: there are several components, and one has more than 8 bits.
  """
  # Start of codestream and size marker; counts and depths stand at fixed places.
  start = head.find(b"\xff\x4f\xff\x51")
  sizes = head[start + 4 :] if start >= 0 else b""
  num_components = int.from_bytes(sizes[36:38], "big")
  depths = [
    1 + (value & 127) for value in sizes[38 : 38 + 3 * num_components : 3]
  ]
  if num_components > 1 and max(depths, default=0) > 8:
    raise SampleError(
      f"has samples that are not read: colors of {max(depths)} bits in JPEG "
      "2000; save it with 8 bits"
    )


class Samples:
  """How the samples of an opened image become 8 bits.

  Attributes:
    shift: bits to drop.
    inverted: whether 0 is white.
  """

  def __init__(self, image: Image.Image):
    """Reads it from the image; a part that is cut out has lost it.

    Raises:
      SampleError: integers of 32 bits or floating point.
    """
    if image.mode in ("I", "F"):
      raise SampleError(
        "has samples that are not read: floating point, signed or of 32 bits; "
        "save it with 8 or 16 bits"
      )
    tags = getattr(image, "tag_v2", {})
    deep = image.mode.startswith("I;")
    bits = tags.get(_BITS_PER_SAMPLE, (16,))[0] if deep else 8
    self.shift = bits - 8
    # Pillow inverts those of 8 bits itself.
    self.inverted = deep and tags.get(_PHOTOMETRIC) == 0

  def to_rgb(self, image: Image.Image) -> Image.Image:
    """Returns the image, or a part of it, as RGB over white."""
    if self.shift:
      image = self._to_8_bits(image)
    if not image.has_transparency_data:
      return image.convert("RGB")
    image = image.convert("RGBA")
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas

  def _to_8_bits(self, image: Image.Image) -> Image.Image:
    deep = np.asarray(image)
    # Pillow would clip to 8 bits; the image is in the upper 8.
    upper = (deep >> self.shift).astype(np.uint8)
    gray = Image.fromarray(~upper if self.inverted else upper)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
      opaque = np.where(deep == transparent, 0, 255).astype(np.uint8)
      gray.putalpha(Image.fromarray(opaque))
    return gray


def profile(image: Image.Image) -> bytes | None:
  """Returns the ICC profile of an opened image, if it is not that of sRGB."""
  found = image.info.get("icc_profile")
  if not isinstance(found, bytes) or not found:
    return None
  return found if _transform(found, _mode(image)) is not None else None


def to_srgb(
  image: Image.Image, icc_profile: bytes | None, *, is_gray: bool
) -> Image.Image:
  """Converts RGB or CMYK pixels from the space of a profile to sRGB.

  Args:
    image: of the mode RGB, or CMYK.
    icc_profile: of the opened image, from `profile`.
    is_gray: the opened image is gray, and so is its profile.
  """
  if icc_profile is None:
    return image
  if is_gray:
    image = image.getchannel(0)
  transform = _transform(icc_profile, image.mode)
  if transform is None:
    return image.convert("RGB")
  converted = ImageCms.applyTransform(image, transform)
  assert converted is not None
  return converted


def is_gray(image: Image.Image) -> bool:
  """Tells whether an opened image has shades of gray only."""
  return _mode(image) == "L"


def _mode(image: Image.Image) -> str:
  """Returns the mode that the pixels of an opened image are converted to."""
  if image.mode == "CMYK":
    return "CMYK"
  return "L" if image.mode[0] in "1LI" and image.mode != "LAB" else "RGB"


@functools.lru_cache(maxsize=16)
def _transform(
  icc_profile: bytes, mode: str
) -> ImageCms.ImageCmsTransform | None:
  """Returns the way to sRGB; None if there is none, or nothing to do.

  As in browsers, a damaged profile, or one for other pixels, is ignored.
  """
  try:
    opened = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
    if opened.profile.xcolor_space.strip() != _SPACES[mode]:
      return None
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(opened, srgb, mode, "RGB")
    return None if _keeps(transform, mode) else transform
  except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
    return None


def _keeps(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
  """Tells whether colors stay as they are, by a grid of them."""
  if mode == "CMYK":
    return False
  if mode == "L":
    grid = np.arange(256, dtype=np.uint8)[None]
    before = np.repeat(grid[..., None], 3, axis=2)
  else:
    steps = np.linspace(0, 255, 8).astype(np.uint8)
    grid = before = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(
      1, -1, 3
    )
  after = ImageCms.applyTransform(Image.fromarray(grid), transform)
  difference = np.asarray(after).astype(int) - before
  return int(np.abs(difference).max()) <= _SAME
