"""Sets prepared from folders made here, read back and compared with Pillow."""

import io
import os
import pathlib
import subprocess
import sys
import threading
from concurrent import futures

import numpy as np
import pytest
import sklearn.datasets
import tensorflow_datasets as tfds
from PIL import Image

from dsth_jax import datasets
from dsth_jax.datasets import ahead, encoding, folder, image_folder, prepare


def pattern(height, width, seed=0):
  """Smooth, so that JPEG and shrinking change it little."""
  y, x = np.mgrid[:height, :width] / max(height, width)
  waves = [np.sin(3 * x + 2 * y * c + c + seed) for c in range(3)]
  return np.rint(127.5 + 100 * np.stack(waves, -1)).astype(np.uint8)


def write(path, pixels=None, **options):
  path.parent.mkdir(parents=True, exist_ok=True)
  pixels = pattern(12, 16) if pixels is None else pixels
  Image.fromarray(pixels).save(path, **options)
  return path


def load(root, data_dir, **options):
  return datasets.load(
    "image_folder", root=str(root), data_dir=str(data_dir), **options
  )


@pytest.fixture
def root(tmp_path):
  path = tmp_path / "photos"
  path.mkdir()
  return path


@pytest.fixture
def store(tmp_path):
  return tmp_path / "prepared"


def one(root, store, **options):
  """Loads a folder of one image and returns its pixels."""
  dataset = load(root, store, **options)
  assert len(dataset.images) == 1, dataset.skipped
  return dataset.images[0]


# Digits.


def test_digits_are_those_of_scikit_learn(store):
  dataset = datasets.load("digits", data_dir=str(store))
  digits = sklearn.datasets.load_digits()
  pixels = np.stack(list(dataset.images))
  assert pixels.shape == (1797, 8, 8, 3)
  assert pixels.dtype == np.uint8
  # 16 grey values spread over 255 survive the rounding to 8 bits.
  np.testing.assert_array_equal(
    np.rint(pixels[..., 0] / 255 * 16), digits.images
  )
  np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])
  np.testing.assert_array_equal(dataset.labels, digits.target)
  assert dataset.labels.dtype == np.int32
  assert set(dataset.parts) == {"train"}
  assert dataset.names[17] == "train/17"
  assert dataset.class_names == tuple("0123456789")
  assert dataset.skipped == ()
  again = datasets.load("digits", data_dir=str(store))
  assert again.fingerprint == dataset.fingerprint


# What a folder's layout means.


@pytest.mark.parametrize(
  ("names", "parts", "labels", "class_names"),
  [
    (["1.jpg", "2.jpg"], "nn", None, ()),
    (["a/1.jpg", "b/deep/er/2.jpg"], "nn", [0, 1], ("a", "b")),
    (
      ["test/a/1.jpg", "train/a/2.jpg", "train/b/3.jpg"],
      "tnn",
      [0, 0, 1],
      "ab",
    ),
    (["test/1.jpg", "train/2.jpg"], "tn", None, ()),
    (["Test/a/1.jpg", "TRAIN/b/2.jpg"], "tn", [0, 1], "ab"),
    # A class called train, since bus stands beside it.
    (["bus/1.jpg", "train/2.jpg"], "nn", [0, 1], ("bus", "train")),
    # One image without a class: no labels, and no image dropped.
    (["1.jpg", "a/2.jpg", "b/3.jpg"], "nnn", None, ()),
    (["1.jpg", "train/a/2.jpg", "test/b/3.jpg"], "nnt", None, ()),
    # One folder tells nothing apart.
    (["a/1.jpg", "a/2.jpg"], "nn", None, ()),
    # Without train, test is a folder like others.
    (["test/1.jpg", "val/2.jpg"], "nn", [0, 1], ("test", "val")),
    (["ä ö/1.jpg", "猫/2.jpg"], "nn", [0, 1], ("ä ö", "猫")),
  ],
)
def test_layout(names, parts, labels, class_names):
  found = folder.layout(names)
  assert found.parts == [{"n": "train", "t": "test"}[part] for part in parts]
  assert found.labels == labels
  assert found.class_names == tuple(class_names)


def test_mixed_layout_is_said(caplog):
  with caplog.at_level("WARNING", logger="absl"):
    folder.layout(["loose.jpg", "a/2.jpg", "b/3.jpg"])
  assert "1 of 3 images lie in no class folder (the first: loose.jpg)" in (
    caplog.text
  )


def test_labelled_parts(root, store):
  for seed, name in enumerate(
    ["train/b/1.png", "train/a/2.png", "test/a/3.png", "test/b/x/4.PNG"]
  ):
    write(root / name, pattern(5, 7, seed))
  dataset = load(root, store)
  assert dataset.names == (
    "train/a/2.png",
    "train/b/1.png",
    "test/a/3.png",
    "test/b/x/4.PNG",
  )
  assert list(dataset.parts) == ["train", "train", "test", "test"]
  np.testing.assert_array_equal(dataset.labels, [0, 1, 0, 1])
  assert dataset.class_names == ("a", "b")
  for image, seed in zip(dataset.images, [1, 0, 2, 3]):
    np.testing.assert_array_equal(image, pattern(5, 7, seed))


def test_a_part_of_which_nothing_is_readable_is_left_out(root, store):
  write(root / "train/1.png")
  (root / "test").mkdir()
  (root / "test/2.png").write_text("no image")
  dataset = load(root, store)
  assert list(dataset.parts) == ["train"]
  assert [skipped.name for skipped in dataset.skipped] == ["test/2.png"]


def test_odd_names_survive(root, store):
  names = ["ü m/ñandú #1.png", "ü m/a\nb.png", " blank /猫.png", "ü m/%20.png"]
  for name in names:
    write(root / name)
  (root / "ü m/link.png").symlink_to("%20.png")
  dataset = load(root, store)
  assert set(dataset.names) == {*names, "ü m/link.png"}
  assert dataset.class_names == (" blank ", "ü m")
  assert load(root, store).names == dataset.names


def test_names_that_are_not_utf8_survive(root, store):
  path = os.path.join(os.fsencode(root), b"caf\xe9.png")
  with open(path, "wb") as file:
    Image.fromarray(pattern(3, 3)).save(file, "PNG")
  dataset = load(root, store)
  assert dataset.names == ("caf\\xe9.png",)
  np.testing.assert_array_equal(dataset.images[0], pattern(3, 3))


def test_records_hold_their_path(root, store):
  write(root / "a/1.png")
  write(root / "b/2.png")
  load(root, store)
  builder = image_folder.ImageFolder(
    root=str(root), data_dir=str(store), max_pixels=10**8, stored_size=256
  )
  records = builder.as_data_source("train")
  assert [record["name"] for record in records] == [b"a/1.png", b"b/2.png"]
  assert [record["label"] for record in records] == [0, 1]


# Formats: everything becomes upright RGB over white.


@pytest.mark.parametrize("ending", ["png", "PNG", "bmp", "webp", "gif"])
def test_lossless_formats_are_exact(root, store, ending):
  # GIF holds 256 colours: give it a picture of two.
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
    kept = encoding.stored_bytes(file, max_pixels=10**6, stored_size=64)
  assert kept == path.read_bytes()
  expected = np.asarray(Image.open(path))
  np.testing.assert_array_equal(one(root, store), expected)


def test_grey_becomes_rgb(root, store):
  grey = pattern(9, 8)[..., 0]
  write(root / "x.png", grey)
  expected = np.repeat(grey[..., None], 3, axis=2)
  np.testing.assert_array_equal(one(root, store), expected)


def test_gif_gives_its_first_frame(root, store):
  colours = [(255, 0, 0), (0, 255, 0)]
  frames = [Image.new("RGB", (4, 3), colour) for colour in colours]
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
  # Twice through JPEG, of which the colours are stored at half size.
  np.testing.assert_allclose(
    one(root, store).astype(int), pattern(32, 32), atol=16
  )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_transparency_turns_white(root, store, mode):
  pixels = np.zeros((2, 2, 4), np.uint8)
  pixels[0] = [10, 10, 10, 255]
  options = {}
  if mode in ("P", "RGB"):
    # One colour of the palette, or of all, is transparent.
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
  # 51 / 255 is a fifth of the colour and four fifths of white.
  np.testing.assert_array_equal(one(root, store)[0, 0], [204, 224, 244])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(root, store, orientation):
  # As the specification words it: where row 0 and column 0 are to be seen.
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
  # A checkerboard of single pixels is grey from afar; sampling it would give
  # black or white. 3 of 255: the filter's weights in fixed point.
  np.testing.assert_allclose(pixels[4:-4, 4:-4], 127.5, atol=3)


# Bad files are skipped with a reason, and the rest goes on.


def test_bad_files_are_skipped_and_listed(root, store):
  write(root / "a/good.png")
  good = write(root / "b/good.jpg", pattern(64, 64)).read_bytes()
  (root / "a/cut.jpg").write_bytes(good[: len(good) // 2])
  (root / "a/text.jpg").write_text("this is no image")
  (root / "a/empty.jpg").touch()
  (root / "b/cut.png").write_bytes((root / "a/good.png").read_bytes()[:60])
  write(root / "b/large.png", pattern(101, 100))
  (root / "b/nowhere.jpg").symlink_to("gone.jpg")
  (root / "b/itself.jpg").symlink_to("itself.jpg")
  os.mkfifo(root / "b/pipe.jpg")
  (root / "b/notes.txt").write_text("passed over")
  (root / ".hidden").mkdir()
  write(root / ".hidden/c.png")
  write(root / "b/._good.png")
  dataset = load(root, store, max_pixels=10_000)
  assert dataset.names == ("a/good.png", "b/good.jpg")
  np.testing.assert_array_equal(dataset.labels, [0, 1])
  reasons = dict(dataset.skipped)
  assert set(reasons) == {
    "a/cut.jpg",
    "a/empty.jpg",
    "a/text.jpg",
    "b/cut.png",
    "b/itself.jpg",
    "b/large.png",
    "b/nowhere.jpg",
  }
  assert "truncated" in reasons["a/cut.jpg"]
  assert "truncated" in reasons["b/cut.png"]
  assert reasons["a/empty.jpg"] == "is empty"
  assert reasons["a/text.jpg"].startswith("is not a JPEG, PNG")
  assert (
    reasons["b/nowhere.jpg"] == "cannot be opened: No such file or directory"
  )
  assert reasons["b/large.png"] == (
    "has 100 x 101 pixels, more than max_pixels = 10000"
  )
  # Read back, not done again.
  assert load(root, store, max_pixels=10_000).skipped == dataset.skipped


def test_more_pixels_than_pillow_allows(root, store, monkeypatch):
  monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
  write(root / "x.png")  # 192 pixels: beyond twice Pillow's limit
  assert len(load(root, store, stored_size=4).images) == 1
  assert Image.MAX_IMAGE_PIXELS == 50


def test_failing_disk_is_not_a_broken_image(root, store, monkeypatch):
  write(root / "x.png")

  def fail(*_, **__):
    raise OSError(5, "Input/output error")

  monkeypatch.setattr(encoding, "stored_bytes", fail)
  with pytest.raises(ValueError, match="Input/output error"):
    load(root, store)


def test_links_are_followed_and_loops_end(root, store, tmp_path):
  write(root / "a/1.png")
  write(tmp_path / "elsewhere/2.png")
  (root / "b").symlink_to(tmp_path / "elsewhere")
  (root / "a/up").symlink_to(root)
  (root / "a/self").symlink_to(".")
  (tmp_path / "elsewhere/back").symlink_to(root / "a")
  assert load(root, store).names == ("a/1.png", "b/2.png")


def test_duplicates_are_kept(root, store):
  write(root / "1.png")
  write(root / "2.png")
  dataset = load(root, store)
  np.testing.assert_array_equal(dataset.images[0], dataset.images[1])


# Preparing once, and again only when it must be.


def prepared_dirs(store):
  return sorted(path.parent for path in store.rglob("contents.json"))


def test_unchanged_folder_is_not_prepared_again(root, store, monkeypatch):
  write(root / "1.png")
  first = load(root, store)
  monkeypatch.setattr(
    encoding, "stored_bytes", lambda *_, **__: pytest.fail("read again")
  )
  again = load(root, store)
  assert again.fingerprint == first.fingerprint
  np.testing.assert_array_equal(again.images[0], first.images[0])


@pytest.mark.parametrize("change", ["add", "remove", "size", "time", "rename"])
def test_changed_folder_is_prepared_anew(root, store, change):
  path = write(root / "1.png")
  write(root / "2.png")
  before = load(root, store)
  if change == "add":
    write(root / "3.png")
  elif change == "remove":
    path.unlink()
  elif change == "size":
    write(path, pattern(30, 31))
  elif change == "time":
    os.utime(path, ns=(0, 0))
  else:
    path.rename(root / "0.png")
  after = load(root, store)
  assert after.fingerprint != before.fingerprint
  assert len(prepared_dirs(store)) == 2
  names = sorted(path.name for path in root.iterdir())
  assert list(after.names) == names


def test_other_sizes_are_prepared_anew(root, store):
  write(root / "1.png")
  fingerprints = {
    load(root, store, stored_size=8).fingerprint,
    load(root, store, stored_size=9).fingerprint,
    load(root, store, stored_size=9, max_pixels=10**6).fingerprint,
  }
  assert len(fingerprints) == 3


def test_failed_preparation_leaves_nothing(root, store, monkeypatch):
  write(root / "1.png")
  write(root / "2.png")
  real = encoding.stored_bytes

  def interrupt(file, **options):
    if file.name.endswith("2.png"):
      raise KeyboardInterrupt
    return real(file, **options)

  monkeypatch.setattr(encoding, "stored_bytes", interrupt)
  with pytest.raises(KeyboardInterrupt):
    load(root, store)
  assert prepared_dirs(store) == []
  assert not list(store.rglob("*.array_record*"))
  monkeypatch.undo()
  assert len(load(root, store).images) == 2


KILLED = """
import os, sys
from dsth_jax import datasets
from dsth_jax.datasets import encoding
real = encoding.stored_bytes
def kill(file, **options):
  if file.name.endswith("2.png"):
    os.kill(os.getpid(), 9)
  return real(file, **options)
encoding.stored_bytes = kill
datasets.load("image_folder", root=sys.argv[1], data_dir=sys.argv[2])
"""


def test_killed_preparation_is_not_taken_for_complete(root, store):
  write(root / "1.png")
  write(root / "2.png")
  command = [sys.executable, "-c", KILLED, str(root), str(store)]
  done = subprocess.run(command, capture_output=True, check=False)
  assert done.returncode == -9, done.stderr
  assert list(store.rglob("incomplete.*"))
  assert len(load(root, store).images) == 2
  assert not list(store.rglob("incomplete.*"))


def test_two_at_once_end_with_one_set(root, store):
  for i in range(20):
    write(root / f"{i}.png", pattern(50, 50, i))
  barrier = threading.Barrier(2)

  def go(_):
    barrier.wait()
    return load(root, store).fingerprint

  with futures.ThreadPoolExecutor(2) as pool:
    fingerprints = list(pool.map(go, range(2)))
  assert len(set(fingerprints)) == 1
  assert len(prepared_dirs(store)) == 1
  assert len(load(root, store).images) == 20


def test_many_files_a_part(root, store, monkeypatch):
  monkeypatch.setattr("dsth_jax.datasets.prepared._MIN_RECORDS_A_FILE", 4)
  for i in range(11):
    write(root / f"{i:02}.png", pattern(5, 5, i))
  for i in (4, 5, 6, 7):  # one of TFDS's files stays empty
    (root / f"{i:02}.png").write_text("broken")
  dataset = load(root, store)
  assert len(list(store.rglob("*.array_record*"))) == 3
  assert len(dataset.skipped) == 4
  for name, image in zip(dataset.names, dataset.images):
    np.testing.assert_array_equal(image, pattern(5, 5, int(name[:2])))


# Access.


def test_images_are_a_sequence(root, store):
  for i in range(3):
    write(root / f"train/{i}.png", pattern(4, 4, i))
    write(root / f"test/{i}.png", pattern(4, 4, i + 3))
  images = load(root, store).images
  assert len(images) == 6
  np.testing.assert_array_equal(images[np.int64(4)], pattern(4, 4, 4))
  np.testing.assert_array_equal(images[-1], pattern(4, 4, 5))
  assert images[0].flags.writeable
  for outside in (6, -7):
    with pytest.raises(IndexError, match="of 6"):
      images[outside]


def test_threads_may_read_at_once(root, store):
  for i in range(40):
    write(root / f"{i:02}.png", pattern(4, 4, i))
  images = load(root, store).images
  order = np.random.default_rng(0).integers(40, size=1000)
  with futures.ThreadPoolExecutor(8) as pool:
    read = list(pool.map(images.__getitem__, order))
  for i, image in zip(order, read):
    np.testing.assert_array_equal(image, pattern(4, 4, i))


# What is said when there is nothing to load.


def test_missing_folder(tmp_path, store):
  with pytest.raises(ValueError, match="gone, which does not exist: pass the"):
    load(tmp_path / "gone", store)


def test_file_instead_of_folder(root, store):
  with pytest.raises(ValueError, match="is not a folder"):
    load(write(root / "x.png"), store)


def test_no_folder(store):
  with pytest.raises(ValueError, match="pass root="):
    load("", store)


def test_empty_folder(root, store):
  (root / "x.tif").touch()
  with pytest.raises(
    ValueError, match=r"no image to read \(files of another kind: 1.*\.jpg"
  ):
    load(root, store)


def test_nothing_readable(root, store):
  (root / "a.jpg").write_text("x")
  (root / "b.jpg").write_text("x")
  with pytest.raises(ValueError, match=r"none of the 2 images.*a\.jpg: is not"):
    load(root, store)
  assert prepared_dirs(store) == []


def test_data_dir_that_cannot_be_written(root, tmp_path):
  write(root / "x.png")
  (tmp_path / "file").touch()
  with pytest.raises(ValueError, match="Not a directory.*pass a data_dir"):
    load(root, tmp_path / "file" / "store")


def test_root_of_another_set(store):
  with pytest.raises(ValueError, match="or load image_folder"):
    datasets.load("digits", root="photos", data_dir=str(store))


@pytest.mark.parametrize("option", ["max_pixels", "stored_size"])
def test_sizes_are_positive(root, option):
  with pytest.raises(ValueError, match=f"{option}.*1 or more"):
    load(root, root, **{option: 0})


# The catalogue of TFDS.


class FakePhotos(tfds.core.ShardBasedBuilder):
  """A set as TFDS's catalogue has them."""

  VERSION = tfds.core.Version("1.2.3")

  def _info(self):
    features = {
      "image": tfds.features.Image(shape=(6, 8, 3)),
      "label": tfds.features.ClassLabel(names=["cat", "dog", "owl"]),
      "id": tfds.features.Text(),
    }
    return tfds.core.DatasetInfo(
      builder=self, features=tfds.features.FeaturesDict(features)
    )

  def _shard_iterators_per_split(self, dl_manager):
    def examples(first, size):
      for i in range(first, first + size):
        encoded = io.BytesIO()
        Image.fromarray(pattern(6, 8, i)).save(encoded, "PNG")
        record = {"image": encoded.getvalue(), "label": i % 3, "id": f"{i}"}
        yield f"{i}", record

    return {
      "test": [lambda: examples(10, 3)],
      "train": [lambda: examples(0, 5), lambda: examples(5, 5)],
      "unlabelled": [lambda: examples(20, 2)],
    }


def prepare_fake(store, file_format="array_record"):
  FakePhotos(data_dir=str(store)).download_and_prepare(file_format=file_format)


def test_prepared_set_of_the_catalogue(store):
  prepare_fake(store)
  dataset = datasets.load("fake_photos", data_dir=str(store))
  assert list(dataset.parts) == ["train"] * 10 + ["test"] * 3
  assert dataset.names[9:11] == ("train/9", "test/0")
  assert dataset.class_names == ("cat", "dog", "owl")
  np.testing.assert_array_equal(dataset.labels, np.arange(13) % 3)
  for i, image in enumerate(dataset.images):
    np.testing.assert_array_equal(image, pattern(6, 8, i))
  again = datasets.load("fake_photos", data_dir=str(store))
  assert again.fingerprint == dataset.fingerprint


@pytest.mark.parametrize("name", ["cifar10", "stl10"])
def test_set_that_is_not_prepared(store, name):
  with pytest.raises(ValueError, match="is not prepared") as error:
    datasets.load(name, data_dir=str(store))
  assert 'pip install "dsth_jax[tfds]"' in str(error.value)
  command = (
    f"python -m dsth_jax.datasets.prepare --name={name} --data_dir={store}"
  )
  assert command in str(error.value)


def test_set_without_labels_for_all(store, monkeypatch):
  prepare_fake(store)
  monkeypatch.setattr(datasets.Images, "column", lambda *_: iter([-1] * 13))
  dataset = datasets.load("fake_photos", data_dir=str(store))
  assert dataset.labels is None
  assert dataset.class_names == ()


def test_unknown_set(store):
  with pytest.raises(ValueError, match="'cifar1O' is unknown.*cifar10"):
    datasets.load("cifar1O", data_dir=str(store))


def test_set_without_images(store):
  with pytest.raises(ValueError, match="0 features that are an image"):
    datasets.load("imdb_reviews", data_dir=str(store))


def test_prepare_makes_what_load_reads(store, monkeypatch):
  # Unlike those of the catalogue, this set does without.
  monkeypatch.setattr(prepare, "_has_tensorflow", lambda: True)
  location = prepare.prepare("fake_photos", str(store))
  assert pathlib.Path(location) == store / "fake_photos" / "1.2.3"
  assert len(datasets.load("fake_photos", data_dir=str(store)).images) == 13


@pytest.mark.parametrize(
  ("arguments", "words"),
  [
    ([], "--name is missing"),
    (["--name=nosuchset"], "is unknown"),
    (["--name=cifar10", "stray"], "unknown argument stray"),
  ],
)
def test_prepare_says_what_is_wrong(store, arguments, words):
  command = [sys.executable, "-m", "dsth_jax.datasets.prepare"]
  done = subprocess.run(
    [*command, f"--data_dir={store}", *arguments],
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode != 0
  assert words in done.stdout + done.stderr


def test_no_tensorflow_and_no_chatter(root, store):
  write(root / "x.png")
  code = (
    "import sys\n"
    "from dsth_jax import datasets\n"
    "d = datasets.load('image_folder', root=sys.argv[1], data_dir=sys.argv[2])\n"
    "list(d.images)\n"
    "assert 'tensorflow' not in sys.modules\n"
  )
  done = subprocess.run(
    [sys.executable, "-c", code, str(root), str(store)],
    capture_output=True,
    text=True,
    check=True,
  )
  assert done.stdout == ""
  lines = done.stderr.replace("\r", "\n").splitlines()
  assert all(
    line.startswith("Preparing image_folder") for line in lines if line
  )


# Batches of squares.


def test_batches_join_to_all_images():
  images = np.stack([pattern(8, 8, i) for i in range(75)])
  batches = list(datasets.image_batches(images, image_size=8, batch_size=33))
  assert [len(batch) for batch in batches] == [33, 33, 9]
  # The size is right already: nothing may be resampled.
  np.testing.assert_array_equal(np.concatenate(batches), images)


@pytest.mark.parametrize("start", [0, 1, 33, 74, 75])
def test_batches_start_anywhere(start):
  images = np.stack([pattern(8, 8, i) for i in range(75)])
  batches = list(
    datasets.image_batches(images, image_size=8, batch_size=33, start=start)
  )
  rest = np.concatenate([np.zeros((0, 8, 8, 3), np.uint8), *batches])
  np.testing.assert_array_equal(rest, images[start:])


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (9, 9), (1, 50), (4, 3)])
def test_square_resizes_the_short_side_and_crops(shape):
  image = pattern(*shape)
  height, width = (round(side * 6 / min(shape)) for side in shape)
  resized = Image.fromarray(image).resize(
    (width, height), Image.Resampling.BICUBIC
  )
  left, top = (width - 6) // 2, (height - 6) // 2
  expected = np.asarray(resized.crop((left, top, left + 6, top + 6)))
  np.testing.assert_array_equal(datasets.square(image, 6), expected)


def test_batches_stay_bounded_ahead():
  read = []

  class Watched(list):
    def __getitem__(self, index):
      read.append(index)
      return pattern(4, 4)

  batches = datasets.image_batches(
    Watched([None] * 100_000), image_size=4, batch_size=8
  )
  next(batches)
  batches.close()
  # A batch, and two chunks of eight a thread, with one more being handed on.
  assert len(read) <= 8 * (2 * min(os.cpu_count(), 32) + 2)


def test_map_ahead_keeps_order_and_raises_in_place():
  results = ahead.map_ahead(lambda x: 1 // (5 - x), range(9))
  assert [next(results) for _ in range(5)] == [0, 0, 0, 0, 1]
  with pytest.raises(ZeroDivisionError):
    next(results)


@pytest.mark.parametrize("option", ["image_size", "batch_size"])
def test_batches_need_sizes(option):
  sizes = {"image_size": 4, "batch_size": 4, option: 0}
  with pytest.raises(ValueError, match="both need to be 1 or more"):
    datasets.image_batches([pattern(4, 4)], **sizes)


@pytest.mark.parametrize("start", [-1, 2])
def test_batches_start_inside(start):
  with pytest.raises(ValueError, match="pass 0 to 1"):
    datasets.image_batches(
      [pattern(4, 4)], image_size=4, batch_size=4, start=start
    )
