"""Bad files, preparing once, and nothing to load."""

import os
import subprocess
import sys
import threading
from concurrent import futures

import numpy as np
import pytest
from PIL import Image
from support.folders import load, pattern, write

from dsth_jax import datasets
from dsth_jax.datasets import image_files


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


def prepared_dirs(store):
  return sorted(path.parent for path in store.rglob("contents.json"))


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
  real = image_files.stored_bytes

  def interrupt(file, **options):
    if file.name.endswith("2.png"):
      raise KeyboardInterrupt
    return real(file, **options)

  monkeypatch.setattr(image_files, "stored_bytes", interrupt)
  with pytest.raises(KeyboardInterrupt):
    load(root, store)
  assert prepared_dirs(store) == []
  assert not list(store.rglob("*.array_record*"))
  monkeypatch.undo()
  assert len(load(root, store).images) == 2


KILLED = """
import os, sys
from dsth_jax import datasets
from dsth_jax.datasets import image_files
real = image_files.stored_bytes
def kill(file, **options):
  if file.name.endswith("2.png"):
    os.kill(os.getpid(), 9)
  return real(file, **options)
image_files.stored_bytes = kill
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
  monkeypatch.setattr("dsth_jax.datasets.tfds_builder._MIN_RECORDS_A_FILE", 4)
  for i in range(11):
    write(root / f"{i:02}.png", pattern(5, 5, i))
  for i in (4, 5, 6, 7):  # one of TFDS's files stays empty
    (root / f"{i:02}.png").write_text("broken")
  dataset = load(root, store)
  assert len(list(store.rglob("*.array_record*"))) == 3
  assert len(dataset.skipped) == 4
  for name, image in zip(dataset.names, dataset.images):
    np.testing.assert_array_equal(image, pattern(5, 5, int(name[:2])))


def test_home_is_expanded(root, store, monkeypatch):
  write(root / "x.png")
  monkeypatch.setenv("HOME", str(root.parent))
  assert load("~/photos", "~/prepared").names == ("x.png",)
  assert len(prepared_dirs(store)) == 1


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
  with pytest.raises(ValueError, match=r"Not a directory.*pass a data_dir"):
    load(root, tmp_path / "file" / "store")


def test_root_of_another_set(store):
  with pytest.raises(ValueError, match="or load image_folder"):
    datasets.load("digits", root="photos", data_dir=str(store))


@pytest.mark.parametrize("option", ["max_pixels", "stored_size"])
def test_sizes_are_positive(root, option):
  with pytest.raises(ValueError, match=f"{option}.*1 or more"):
    load(root, root, **{option: 0})
