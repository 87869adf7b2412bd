"""Every format becomes upright RGB over white."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image
from support.folders import one, pattern, write

from dsth_jax.datasets import dataset, image_files


@pytest.mark.parametrize(
  "ending", ["png", "PNG", "bmp", "webp", "gif", "tif", "jp2"]
)
def test_lossless_formats_are_exact(root, store, ending):
  # GIF has 256 colors: use a picture of two.
  pixels = pattern(12, 16)
  if ending == "gif":
    pixels = np.where(pixels[..., :1] > 127, [255, 0, 9], [0, 80, 0])
    pixels = pixels.astype(np.uint8)
  options = {"lossless": True} if ending == "webp" else {}
  write(root / f"x.{ending}", pixels, **options)
  np.testing.assert_array_equal(one(root, store), pixels)


@pytest.mark.parametrize("ending", ["jpg", "JPEG", "Jpe"])
def test_small_jpeg_keeps_its_bytes(root, store, ending):
  path = write(root / f"x.{ending}", format="JPEG", quality=50)
  with open(path, "rb") as file:
    kept = image_files.stored_bytes(file, max_pixels=10**6, stored_size=64)
  assert kept == path.read_bytes()
  expected = np.asarray(Image.open(path))
  np.testing.assert_array_equal(one(root, store), expected)


@pytest.mark.parametrize("stored_size", [8, 64])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
@pytest.mark.parametrize(
  "ending", ["jpg", "png", "webp", "gif", "bmp", "tif", "avif", "jp2"]
)
def test_pixels_are_those_of_the_stored_bytes(ending, mode, stored_size):
  if ending == "jpg" and mode in ("RGBA", "P"):
    mode = "CMYK"
  if ending == "jp2" and mode == "P":
    mode = "LA"
  file = io.BytesIO()
  exif = Image.Exif()
  exif[ExifTags.Base.Orientation] = 6
  with_exif = ("jpg", "png", "tif", "avif", "webp")
  options = {"exif": exif} if ending in with_exif else {}
  image = Image.fromarray(pattern(24, 32)).convert(mode)
  image.save(file, Image.registered_extensions()[f".{ending}"], **options)
  limits = {"max_pixels": 10**6, "stored_size": stored_size}
  file.seek(0)
  stored = image_files.stored_bytes(file, **limits)
  file.seek(0)
  pixels = image_files.stored_pixels(file, **limits)
  np.testing.assert_array_equal(pixels, dataset.decode(stored))
  height, width, _ = pixels.shape
  assert (height > width) == (ending in with_exif)


def test_gray_becomes_rgb(root, store):
  gray = pattern(9, 8)[..., 0]
  write(root / "x.png", gray)
  expected = np.repeat(gray[..., None], 3, axis=2)
  np.testing.assert_array_equal(one(root, store), expected)


def test_gif_gives_its_first_frame(root, store):
  colors = [(255, 0, 0), (0, 255, 0)]
  frames = [Image.new("RGB", (4, 3), color) for color in colors]
  frames[0].save(root / "x.gif", save_all=True, append_images=frames[1:])
  assert np.all(one(root, store) == [255, 0, 0])


def test_16_bits_keep_their_upper_8(root, store):
  deep = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
  write(root / "x.png", deep)
  expected = np.arange(256, dtype=np.uint8).reshape(16, 16)
  np.testing.assert_array_equal(one(root, store)[..., 1], expected)


def test_cmyk_jpeg(root, store):
  image = Image.fromarray(pattern(32, 32)).convert("CMYK")
  image.save(root / "x.jpg", quality=95)
  # Twice through JPEG, with colors stored at half size.
  np.testing.assert_allclose(
    one(root, store).astype(int), pattern(32, 32), atol=16
  )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_transparency_becomes_white(root, store, mode):
  pixels = np.zeros((2, 2, 4), np.uint8)
  pixels[0] = [10, 10, 10, 255]
  options = {}
  if mode in ("P", "RGB"):
    # One color of the palette, or of all, is transparent.
    options["transparency"] = 0 if mode == "P" else (0, 0, 0)
    image = Image.fromarray(pixels[..., :3])
    if mode == "P":
      image = Image.fromarray((pixels[..., 0] > 0).astype(np.uint8), "P")
      image.putpalette([0, 0, 0, 10, 10, 10])
  else:
    image = Image.fromarray(pixels).convert(mode)
  image.save(root / "x.png", **options)
  expected = np.full((2, 2, 3), 255)
  expected[0] = 10
  np.testing.assert_array_equal(one(root, store), expected)


def test_half_transparent_over_white(root, store):
  write(root / "x.png", np.full((2, 2, 4), [0, 100, 200, 51], np.uint8))
  # 51 / 255 is a fifth of the color and four fifths of white.
  np.testing.assert_array_equal(one(root, store)[0, 0], [204, 224, 244])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(root, store, orientation):
  # From the specification: the places of row 0 and column 0.
  stored = pattern(40, 60)
  upright = {
    1: stored,
    2: stored[:, ::-1],
    3: stored[::-1, ::-1],
    4: stored[::-1],
    5: stored.transpose(1, 0, 2),
    6: np.rot90(stored, -1),
    7: stored[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(stored),
  }[orientation]
  exif = Image.Exif()
  exif[0x0112] = orientation
  write(root / "x.jpg", stored, exif=exif, quality=95, subsampling=0)
  pixels = one(root, store)
  assert pixels.shape == upright.shape
  # Twice through JPEG of quality 95.
  np.testing.assert_allclose(pixels.astype(int), upright, atol=8)


def test_broken_exif_leaves_the_image(root, store):
  write(root / "x.jpg", exif=b"Exif\0\0no such thing")
  assert one(root, store).shape == (12, 16, 3)


@pytest.mark.parametrize(("ending", "atol"), [("png", 2), ("jpg", 6)])
def test_large_images_are_shrunk(root, store, ending, atol):
  # png: rounding; jpg: twice through JPEG of quality 95.
  write(root / f"x.{ending}", pattern(300, 450), quality=95)
  pixels = one(root, store, stored_size=64)
  assert pixels.shape == (64, 96, 3)
  expected = pattern(300, 450).reshape(300, 450, 3)
  reference = Image.fromarray(expected).resize((96, 64), Image.Resampling.BOX)
  np.testing.assert_allclose(
    pixels.astype(int)[2:-2, 2:-2],
    np.asarray(reference).astype(int)[2:-2, 2:-2],
    atol=atol,
  )


def test_shrinking_does_not_alias(root, store):
  board = np.indices((256, 256)).sum(0) % 2 * np.uint8(255)
  write(root / "x.png", board.astype(np.uint8))
  pixels = one(root, store, stored_size=32)
  # A checkerboard of single pixels averages to gray; sampling it would give
  # black or white. 3 of 255: the filter's weights in fixed point.
  np.testing.assert_allclose(pixels[4:-4, 4:-4], 127.5, atol=3)


# Left, top, right, bottom, and the rows and columns that remain.
BOXES = [
  ((3.5, 2.5, 20.2, 8.9), (2, 9, 4, 16)),  # halves to even; cut off at 16
  ((-4.0, 0.4, 5.5, 99.0), (0, 12, 0, 6)),
  ((0.0, 0.0, 16.0, 12.0), (0, 12, 0, 16)),
]


@pytest.mark.parametrize(("box", "expected"), BOXES)
def test_a_box_is_cut_out_at_whole_pixels(box, expected):
  file = io.BytesIO()
  Image.fromarray(pattern(12, 16)).save(file, "PNG")
  found = image_files.cropped_bytes(file, box, max_pixels=10**6)
  top, bottom, left, right = expected
  np.testing.assert_array_equal(
    dataset.decode(found), pattern(12, 16)[top:bottom, left:right]
  )


@pytest.mark.parametrize(
  "box", [(16.0, 0.0, 20.0, 5.0), (5.0, 3.0, 5.4, 9.0), (9.0, 0.0, 3.0, 9.0)]
)
def test_a_box_without_a_pixel_is_no_broken_image(box):
  file = io.BytesIO()
  Image.fromarray(pattern(12, 16)).save(file, "PNG")
  with pytest.raises(
    image_files.BoxError, match="no pixel of the image of 16 x 12 pixels"
  ) as caught:
    image_files.cropped_bytes(file, box, max_pixels=10**6)
  with pytest.raises(image_files.BoxError):
    image_files.skip_reason(caught.value)
  with pytest.raises(image_files.TooLargeError, match="max_pixels = 10"):
    image_files.cropped_bytes(file, box, max_pixels=10)


def test_heic():
  pillow_heif = pytest.importorskip("pillow_heif", reason="extra heif")
  pillow_heif.register_heif_opener()
  pixels = np.full((48, 64, 3), [200, 90, 60], np.uint8)
  file = io.BytesIO()
  exif = Image.Exif()
  exif[ExifTags.Base.Orientation] = 6
  Image.fromarray(pixels).save(file, "HEIF", exif=exif.tobytes(), quality=95)
  found = image_files.stored_pixels(file, max_pixels=10**6, stored_size=256)
  assert found.shape == (64, 48, 3)
  assert np.abs(found.astype(int) - [200, 90, 60]).max() <= 6
