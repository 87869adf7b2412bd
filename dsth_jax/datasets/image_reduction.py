"""Decoded images made upright, small and sRGB."""

from PIL import ExifTags, Image

from dsth_jax.datasets import color_conversion, proportions

# Pixels above which blocks are averaged before any copy is made, and those of a
# strip.
_HUGE = 100_000_000
_STRIP = 16_000_000

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


def small(image: Image.Image, stored_size: int) -> Image.Image:
  """Returns the central part of a decoded image, upright, small and in sRGB."""
  samples = color_conversion.Samples(image)
  profile = color_conversion.profile(image)
  is_gray = color_conversion.is_gray(image)
  orientation = _orientation(image)
  box = proportions.central(*image.size)
  is_huge = image.size[0] * image.size[1] > _HUGE
  if is_huge and image.mode != "CMYK":
    kept = _reduced(image, samples, box, stored_size)
  else:
    kept = image if box == (0, 0, *image.size) else image.crop(box)
    if image.mode != "CMYK" or profile is None:
      kept = samples.to_rgb(kept)
  kept = _shrink(_upright(kept, orientation), stored_size)
  return color_conversion.to_srgb(kept, profile, is_gray=is_gray)


def part(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
  """Returns a part of a decoded image in sRGB, without rotation."""
  profile = color_conversion.profile(image)
  kept = image.crop(box)
  if image.mode != "CMYK" or profile is None:
    kept = color_conversion.Samples(image).to_rgb(kept)
  is_gray = color_conversion.is_gray(image)
  return color_conversion.to_srgb(kept, profile, is_gray=is_gray)


def is_upright(image: Image.Image) -> bool:
  """Tells whether an image needs no rotation or mirroring."""
  return _orientation(image) not in _UPRIGHT


def _reduced(
  image: Image.Image,
  samples: color_conversion.Samples,
  box: tuple[int, int, int, int],
  stored_size: int,
) -> Image.Image:
  """Averages blocks of a huge image, strip by strip, as RGB.

  As with a JPEG, at least twice the final size is left. Pixels at the right and
  the bottom that fill no block are dropped.
  """
  left, top, right, bottom = box
  factor = max(1, min(right - left, bottom - top) // (2 * stored_size))
  size = ((right - left) // factor, (bottom - top) // factor)
  right, bottom = left + factor * size[0], top + factor * size[1]
  reduced = Image.new("RGB", size)
  rows = factor * max(1, _STRIP // ((right - left) * factor))
  for first in range(top, bottom, rows):
    strip = image.crop((left, first, right, min(first + rows, bottom)))
    rows_kept = samples.to_rgb(strip).reduce(factor)
    reduced.paste(rows_kept, (0, (first - top) // factor))
  return reduced


def _orientation(image: Image.Image) -> int:
  try:
    return image.getexif().get(ExifTags.Base.Orientation, 1)
  except Exception:
    # Damaged EXIF data leaves the pixels readable.
    return 1


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
