"""Depths, transparency and color profiles, by expectations made by hand."""

import io

import numpy as np
import pytest
from PIL import Image
from support import icc_profiles
from support.folders import pattern
from support.tiff_files import tiff

from dsth_jax.datasets import dataset, image_files

LIMITS = {"max_pixels": 10**6, "stored_size": 256}


def pixels_of(data):
  """The pixels of an encoded image, as they are and as they are stored."""
  found = image_files.stored_pixels(io.BytesIO(data), **LIMITS)
  stored = image_files.stored_bytes(io.BytesIO(data), **LIMITS)
  np.testing.assert_array_equal(dataset.decode(stored), found)
  return found


def encoded(pixels, name="PNG", **options):
  file = io.BytesIO()
  image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
  image.save(file, name, **options)
  return file.getvalue()


@pytest.mark.parametrize(("bits", "photometric"), [(12, 1), (16, 0), (16, 1)])
def test_gray_tiff_of_more_than_8_bits(bits, photometric):
  deep = np.arange(256, dtype=np.uint16).reshape(16, 16) << (bits - 8)
  expected = np.arange(256, dtype=np.uint8).reshape(16, 16)
  found = pixels_of(tiff(deep, photometric=photometric, bits=bits))
  np.testing.assert_array_equal(
    found[..., 2], expected if photometric else 255 - expected
  )


def test_rgb_tiff_of_16_bits():
  upper = pattern(9, 7)
  deep = (upper.astype(np.uint16) << 8) | 77
  found = pixels_of(tiff(deep, photometric=2, bits=16))
  np.testing.assert_array_equal(found, upper)


@pytest.mark.parametrize(
  ("dtype", "sample_format"), [("f4", 3), ("u4", 1), ("i4", 2), ("i2", 2)]
)
def test_samples_without_a_range_are_refused(dtype, sample_format):
  samples = np.ones((4, 4), dtype)
  data = tiff(
    samples,
    photometric=1,
    bits=8 * samples.itemsize,
    sample_format=sample_format,
  )
  with pytest.raises(ValueError, match="samples that are not read") as raised:
    image_files.stored_bytes(io.BytesIO(data), **LIMITS)
  assert "save it with 8 or 16 bits" in image_files.skip_reason(raised.value)


def test_16_bits_with_a_transparent_value():
  deep = np.array([[0, 500], [40_000, 65_535]], np.uint16)
  found = pixels_of(encoded(deep, transparency=500))
  np.testing.assert_array_equal(found[..., 0], [[0, 255], [156, 255]])


def srgb_of(values, primaries, gamma):
  """The formula of the ICC: to linear light, by XYZ, to sRGB."""
  linear = (
    (values / 255.0) ** gamma @ primaries.T @ np.linalg.inv(icc_profiles.SRGB).T
  )
  linear = np.clip(linear, 0, 1)
  curve = np.where(
    linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
  )
  return 255 * curve


@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_a_wide_color_space_becomes_srgb(name):
  # Flat, since AVIF stores colors of neighboring pixels as one.
  pixels = np.full((16, 16, 3), [200, 90, 60], np.uint8)
  options = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100}}.get(name, {})
  profile = icc_profiles.rgb(icc_profiles.P3, 2.2)
  found = pixels_of(encoded(pixels, name, icc_profile=profile, **options))
  expected = srgb_of(pixels.astype(float), icc_profiles.P3, 2.2)
  assert np.abs(expected - pixels).max() > 10
  np.testing.assert_allclose(found, expected, atol=2)


def test_a_jpeg_with_a_profile_becomes_srgb():
  pixels = np.full((32, 32, 3), [200, 90, 60], np.uint8)
  profile = icc_profiles.rgb(icc_profiles.P3, 1.8)
  found = pixels_of(encoded(pixels, "JPEG", icc_profile=profile, quality=95))
  expected = srgb_of(pixels.astype(float), icc_profiles.P3, 1.8)
  # Twice through JPEG.
  np.testing.assert_allclose(found, expected, atol=5)


def test_the_profile_of_srgb_keeps_the_bytes():
  from PIL import ImageCms

  srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
  data = encoded(pattern(16, 16), "JPEG", icc_profile=srgb)
  stored = image_files.stored_bytes(io.BytesIO(data), **LIMITS)
  assert stored == data


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_a_gray_profile(mode):
  gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
  image = Image.fromarray(gray)
  if mode == "LA":
    image.putalpha(255)
  if mode == "I;16":
    image = Image.fromarray(gray.astype(np.uint16) << 8)
  found = pixels_of(encoded(image, icc_profile=icc_profiles.gray(1.8)))
  expected = srgb_of(
    np.repeat(gray[..., None], 3, axis=2).astype(float), icc_profiles.SRGB, 1.8
  )
  np.testing.assert_allclose(found, expected, atol=2)


def test_a_cmyk_profile():
  inks = np.zeros((1, 3, 4), np.uint8)
  inks[0, 1, 3] = inks[0, 2, 0] = 255
  image = Image.frombytes("CMYK", (3, 1), inks.tobytes())
  found = pixels_of(encoded(image, "TIFF", icc_profile=icc_profiles.cmyk()))
  # Without ink white, black ink black; L = 50 is the gray 119.
  np.testing.assert_allclose(found[0, :, 0], [255, 0, 119], atol=2)


@pytest.mark.parametrize("damage", ["text", "cut", "of another space"])
def test_a_profile_that_does_not_fit_is_ignored(damage):
  profile = {
    "text": b"no profile",
    "cut": icc_profiles.rgb(icc_profiles.P3, 1.0)[:200],
    "of another space": icc_profiles.gray(1.0),
  }[damage]
  found = pixels_of(encoded(pattern(8, 8), icc_profile=profile))
  np.testing.assert_array_equal(found, pattern(8, 8))


def test_transparent_pixels_are_white_before_the_profile():
  pixels = np.zeros((2, 2, 4), np.uint8)
  profile = icc_profiles.rgb(icc_profiles.P3, 1.8)
  found = pixels_of(encoded(pixels, icc_profile=profile))
  np.testing.assert_allclose(found, 255, atol=1)


def test_deep_colors_in_jpeg_2000_are_refused():
  data = encoded(pattern(8, 8), "JPEG2000")
  np.testing.assert_array_equal(pixels_of(data), pattern(8, 8))
  sizes = data.index(b"\xff\x4f\xff\x51") + 4
  deep = bytearray(data)
  deep[sizes + 38] = 15  # Bits of the first component, less one.
  with pytest.raises(ValueError, match="colors of 16 bits in JPEG 2000"):
    pixels_of(bytes(deep))
