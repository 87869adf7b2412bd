"""Only what has changed in a folder is prepared again."""

import gc
import os
import shutil

import numpy as np
import pytest
from support.folders import load, pattern, prepared_dirs, write

from dsth_jax.datasets import image_files, record_files, record_reuse


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
  monkeypatch.setattr("dsth_jax.datasets.tfds_builder._MIN_RECORDS_A_FILE", 4)


@pytest.fixture
def opened(monkeypatch):
  """The names of the files that are decoded."""
  names = []
  real = image_files.stored_bytes

  def stored_bytes(file, **limits):
    names.append(os.path.relpath(file.name, os.path.dirname(file.name)))
    return real(file, **limits)

  monkeypatch.setattr(image_files, "stored_bytes", stored_bytes)
  return names


def fill(root, count=12, folder=""):
  for i in range(count):
    write(root / folder / f"{i:02}.png", pattern(5, 5, i))


def files_of(store):
  """Returns the record files of the one complete copy, by inode."""
  (directory,) = prepared_dirs(store)
  return {
    path.stat().st_ino: path.name
    for path in directory.glob("*.array_record-*")
    if path.suffix != ".json"
  }


def check(dataset):
  for name, image in zip(dataset.names, dataset.images, strict=True):
    np.testing.assert_array_equal(image, pattern(5, 5, int(name[-6:-4])))


@pytest.mark.parametrize("new", ["00a90.png", "05a91.png", "99.png"])
def test_one_new_image_is_the_only_one_read(root, store, opened, new):
  fill(root)
  load(root, store)
  before = files_of(store)
  opened.clear()
  write(root / new, pattern(5, 5, int(new[-6:-4])))
  dataset = load(root, store)
  assert opened == [new]
  check(dataset)
  assert list(dataset.names) == sorted(path.name for path in root.iterdir())
  # The old copy is gone, and all of its files but one have a second name.
  assert len(set(before) & set(files_of(store))) == len(before) - 1


def test_a_removed_and_a_changed_image(root, store, opened):
  fill(root)
  load(root, store)
  opened.clear()
  (root / "02.png").unlink()
  write(root / "07.png", pattern(5, 5, 7))
  os.utime(root / "07.png", ns=(0, 0))
  dataset = load(root, store)
  assert opened == ["07.png"]
  assert len(dataset.names) == 11
  check(dataset)


def test_images_that_cannot_be_read_are_tried_again(root, store, opened):
  fill(root)
  (root / "03.png").write_text("no image")
  load(root, store)
  before = files_of(store)
  opened.clear()
  write(root / "11a50.png", pattern(5, 5, 50))
  dataset = load(root, store)
  assert sorted(opened) == ["03.png", "11a50.png"]
  assert [skipped.name for skipped in dataset.skipped] == ["03.png"]
  assert len(set(before) & set(files_of(store))) == len(before) - 1


def test_a_new_class_changes_labels_without_reading(root, store, opened):
  fill(root, folder="b")
  fill(root, folder="c")
  load(root, store)
  opened.clear()
  fill(root, 1, folder="a")
  dataset = load(root, store)
  assert opened == ["00.png"]
  assert dataset.class_names == ("a", "b", "c")
  np.testing.assert_array_equal(
    dataset.ground_truth.classes, [0] + [1] * 12 + [2] * 12
  )
  check(dataset)
  (directory,) = prepared_dirs(store)
  labels = [
    source.label
    for file in record_files.find(directory, "train")
    for source in file.sources
  ]
  assert labels == [0] + [1] * 12 + [2] * 12


def test_a_copy_in_use_stays_until_it_is_not(root, store):
  fill(root)
  first = load(root, store)
  write(root / "12.png", pattern(5, 5, 12))
  load(root, store)
  assert len(prepared_dirs(store)) == 2
  check(first)
  del first
  gc.collect()
  load(root, store)
  assert len(prepared_dirs(store)) == 1


def test_copies_of_other_settings_and_folders_stay(root, store, tmp_path):
  fill(root)
  shutil.copytree(root, tmp_path / "other")
  load(root, store, stored_size=4)
  load(tmp_path / "other", store)
  load(root, store)
  write(root / "12.png", pattern(5, 5, 12))
  load(root, store)
  assert len(prepared_dirs(store)) == 3


def test_what_is_finished_is_kept_when_a_share_drops_out(
  root, store, monkeypatch, opened
):
  fill(root)
  wrapped = image_files.stored_bytes

  def fail(file, **limits):
    if file.name.endswith("09.png"):
      raise OSError(5, "Input/output error", file.name)
    return wrapped(file, **limits)

  monkeypatch.setattr("dsth_jax.datasets.reading.WAITS", [0, 0])
  monkeypatch.setattr(image_files, "stored_bytes", fail)
  with pytest.raises(ValueError, match=r"Input/output error.*09\.png"):
    load(root, store)
  assert prepared_dirs(store) == []
  assert len(list(store.rglob("unfinished.*"))) == 1
  monkeypatch.setattr(image_files, "stored_bytes", wrapped)
  opened.clear()
  check(load(root, store))
  # Two files of four were complete.
  assert sorted(opened) == [f"{i:02}.png" for i in range(8, 12)]
  assert not list(store.rglob("unfinished.*"))


def test_where_links_do_not_work_files_are_copied(root, store, monkeypatch):
  def refuse(*_):
    raise OSError(1, "Operation not permitted")

  monkeypatch.setattr(record_files.os, "link", refuse)
  fill(root)
  load(root, store)
  write(root / "12.png", pattern(5, 5, 12))
  check(load(root, store))


class TestRanges:
  names = tuple(f"{i:03}" for i in range(100))

  def cover(self, found, count):
    assert [i for first, end in found for i in range(first, end)] == list(
      range(count)
    )

  def test_without_earlier_files_all_have_one_size(self):
    found = record_reuse.ranges(self.names[:12], (), "")
    assert found == [(0, 4), (4, 8), (8, 12)]

  def test_earlier_bounds_are_kept(self):
    names = [*self.names[:6], "005a", *self.names[6:12]]
    starts = self.names[0:12:4]
    found = record_reuse.ranges(names, starts, "011")
    assert found == [(0, 4), (4, 9), (9, 13)]

  def test_many_new_images_get_files_of_their_own(self):
    found = record_reuse.ranges(self.names[:30], self.names[0:8:4], "007")
    self.cover(found, 30)
    assert found[:2] == [(0, 4), (4, 8)]
    assert max(end - first for first, end in found) <= 8

  def test_too_many_small_files_are_joined(self, monkeypatch):
    monkeypatch.setattr("dsth_jax.datasets.tfds_builder.MAX_FILES_A_PART", 10)
    found = record_reuse.ranges(self.names, self.names, self.names[-1])
    self.cover(found, 100)
    assert len(found) == 10

  def test_no_images_are_no_files(self):
    assert record_reuse.ranges([], (), "") == []
