"""A folder as a set: bad files, and changes."""

import os

import numpy as np
import pytest
from PIL import Image
from support.folders import load, pattern, prepared_dirs, write

from dsth_jax.datasets import file_kinds, image_files, image_folder


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
  (root / "b/notes.txt").write_text("left out")
  (root / ".hidden").mkdir()
  write(root / ".hidden/c.png")
  write(root / "b/._good.png")
  dataset = load(root, store, max_pixels=10_000)
  assert dataset.names == ("a/good.png", "b/good.jpg")
  np.testing.assert_array_equal(dataset.ground_truth.classes, [0, 1])
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
  assert dataset.account.not_images == {
    "hidden (begins with a dot)": 2,
    "no regular file": 1,
    ".txt": 1,
  }
  assert "truncated" in reasons["a/cut.jpg"]
  assert "truncated" in reasons["b/cut.png"]
  assert reasons["a/empty.jpg"] == "is empty"
  assert reasons["a/text.jpg"].startswith("is not an image: ")
  assert (
    reasons["b/nowhere.jpg"] == "cannot be opened: No such file or directory"
  )
  assert reasons["b/large.png"] == (
    "has too many pixels: 100 x 101, more than max_pixels = 10,000; raise "
    "--config.data.max_pixels, or --max_pixels of encode_shards"
  )
  # Read from disk, not found again.
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

  monkeypatch.setattr(image_files, "stored_bytes", fail)
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


def test_unchanged_folder_is_not_prepared_again(root, store, monkeypatch):
  write(root / "1.png")
  first = load(root, store)
  monkeypatch.setattr(
    image_files, "stored_bytes", lambda *_, **__: pytest.fail("read again")
  )
  again = load(root, store)
  assert again.fingerprint == first.fingerprint
  np.testing.assert_array_equal(again.images[0], first.images[0])


@pytest.mark.parametrize("change", ["add", "remove", "size", "time", "rename"])
def test_changed_folder_is_prepared_again(root, store, change):
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


def test_other_sizes_are_prepared_again(root, store):
  write(root / "1.png")
  fingerprints = {
    load(root, store, stored_size=8).fingerprint,
    load(root, store, stored_size=9).fingerprint,
    load(root, store, stored_size=9, max_pixels=10**6).fingerprint,
  }
  assert len(fingerprints) == 3


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
  (root / "x.txt").touch()
  with pytest.raises(
    ValueError,
    match=r"no image to read \(2 files .* \(is empty: 1\).*\(\.txt: 1\)",
  ):
    load(root, store)


def test_a_file_that_vanishes_is_skipped(root, store):
  write(root / "1.png")
  gone = write(root / "2.png")
  builder = image_folder.ImageFolder(
    root=str(root),
    data_dir=str(store),
    max_pixels=image_files.MAX_PIXELS,
    stored_size=256,
  )
  gone.unlink()
  one, other = builder.read(builder.sources()["train"])
  assert one.name == "1.png"
  assert other == ("2.png", "cannot be opened: No such file or directory")


def test_a_decoder_that_is_installed_later_reads_what_was_skipped(
  root, store, monkeypatch
):
  write(root / "1.png")
  write(root / "2.webp", lossless=True)
  monkeypatch.setattr(file_kinds, "formats", lambda: ("PNG",))
  first = load(root, store)
  assert first.names == ("1.png",)
  monkeypatch.undo()
  assert load(root, store).names == ("1.png", "2.webp")
