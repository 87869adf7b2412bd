"""No image costs what its size does not justify."""

import dataclasses
import io
import resource

import numpy as np
import pytest
from PIL import Image
from support.folders import pattern

from dsth_jax import config, datasets, encode
from dsth_jax.datasets import image_files, image_reduction, proportions

LIMITS = {"max_pixels": image_files.MAX_PIXELS, "stored_size": 256}


def encoded(image, name="PNG", **options):
  file = io.BytesIO()
  image.save(file, name, **options)
  file.seek(0)
  return file


def peak():
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def test_a_spacer_is_cut_before_it_is_resized():
  spacer = encoded(Image.new("RGB", (1, 65_000), "red"))
  before = peak()
  pixels = image_files.stored_pixels(spacer, **LIMITS)
  assert pixels.shape == (16, 1, 3)
  found = datasets.resize_and_crop(pixels, 224)
  np.testing.assert_array_equal(found[..., 0], 255)
  tall = np.zeros((65_000, 1, 3), np.uint8)
  assert datasets.resize_and_crop(tall, 224).shape == (224, 224, 3)
  # As a whole it would be 224 x 14,560,000 pixels, 9.8 GB.
  assert peak() - before < 200_000_000


@pytest.mark.parametrize("size", [(640, 40), (40, 640), (300, 200)])
def test_ordinary_proportions_are_kept(size):
  assert proportions.central(*size) == (0, 0, *size)
  pixels = image_files.stored_pixels(encoded(Image.new("L", size)), **LIMITS)
  assert pixels.shape[:2] == size[::-1]


def test_the_center_of_a_long_image_is_what_resizing_all_of_it_gives():
  wide = pattern(12, 12 * 20)
  found = datasets.resize_and_crop(wide, 6)
  size = (6 * 20, 6)
  whole = Image.fromarray(wide).resize(size, Image.Resampling.BICUBIC)
  np.testing.assert_array_equal(found, np.asarray(whole)[:, 57:63])


def test_a_photograph_of_108_megapixels_is_read():
  large = encoded(Image.new("L", (12_000, 9_000)), "JPEG")
  before = peak()
  with image_files.without_pixel_limit():
    pixels = image_files.stored_pixels(large, **LIMITS)
  assert pixels.shape == (256, 341, 3)
  # The decoder gives an eighth: 1.7 megapixels.
  assert peak() - before < 100_000_000


def test_decoders_that_keep_copies_have_a_quarter_of_the_pixels():
  limits = {"max_pixels": 4 * 99, "stored_size": 8}
  image = Image.new("RGB", (10, 10))
  with pytest.raises(
    ValueError, match="10 x 10, more than a quarter of max_pixels = 396"
  ):
    image_files.stored_bytes(encoded(image, "WEBP"), **limits)
  assert image_files.stored_pixels(encoded(image), **limits).shape == (8, 8, 3)


def test_a_file_of_too_many_bytes_names_the_setting():
  file = encoded(Image.fromarray(pattern(20, 20)))
  with pytest.raises(ValueError, match="has too many bytes") as raised:
    image_files.stored_bytes(file, **LIMITS, max_bytes=100)
  assert "--config.data.max_bytes" in image_files.skip_reason(raised.value)


def test_a_small_image_with_much_other_data_is_not_stored_as_it_is(monkeypatch):
  monkeypatch.setattr(image_files, "_MOST_STORED_BYTES", 5_000)
  data = encoded(Image.fromarray(pattern(8, 8))).getvalue() + bytes(10_000)
  stored = image_files.stored_bytes(io.BytesIO(data), **LIMITS)
  assert len(stored) < 1_000
  np.testing.assert_array_equal(
    np.asarray(Image.open(io.BytesIO(stored))), pattern(8, 8)
  )


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16"])
def test_huge_images_are_averaged_strip_by_strip(mode, monkeypatch):
  if mode == "I;16":
    image = Image.fromarray(pattern(204, 306)[..., 0].astype(np.uint16) << 8)
  else:
    image = Image.fromarray(pattern(204, 306)).convert(mode)
  limits = {"max_pixels": 10**6, "stored_size": 16}
  expected = image_files.stored_pixels(encoded(image), **limits)
  monkeypatch.setattr(image_reduction, "_HUGE", 1_000)
  monkeypatch.setattr(image_reduction, "_STRIP", 5_000)
  found = image_files.stored_pixels(encoded(image), **limits)
  # The averages of blocks, then bicubic, in place of bicubic at once.
  np.testing.assert_allclose(found.astype(int), expected, atol=4)


def test_defaults_are_those_of_the_configuration():
  data = config.base_config().data
  assert data.max_pixels == image_files.MAX_PIXELS
  assert data.max_bytes == image_files.MAX_BYTES
  fields = {
    field.name: field for field in dataclasses.fields(encode.HashFunction)
  }
  assert fields["max_pixels"].default == image_files.MAX_PIXELS


def test_the_cost_of_an_image_is_what_decoding_holds():
  image = Image.fromarray(pattern(160, 320))

  def cost(name, **options):
    with Image.open(encoded(image, name, **options)) as opened:
      opened.draft(None, (16, 16))
      return image_files._cost(opened, 160 * 320)

  assert cost("PNG") == 160 * 320
  assert cost("WEBP") == 4 * 160 * 320
  assert cost("JPEG") == 160 * 320 // 64
  assert cost("JPEG", progressive=True) == 160 * 320
