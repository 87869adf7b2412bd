"""Parts, labels and names of images in folders."""

import errno
import os

import numpy as np
import pytest
from PIL import Image
from support.folders import load, pattern, write

from dsth_jax.datasets import (
  folder_scan,
  image_files,
  image_folder,
  image_names,
  reading,
)


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
    # A class called train, since bus is next to it.
    (["bus/1.jpg", "train/2.jpg"], "nn", [0, 1], ("bus", "train")),
    # One image without a class: no labels, and no image dropped.
    (["1.jpg", "a/2.jpg", "b/3.jpg"], "nnn", None, ()),
    (["1.jpg", "train/a/2.jpg", "test/b/3.jpg"], "nnt", None, ()),
    # One class is no label.
    (["a/1.jpg", "a/2.jpg"], "nn", None, ()),
    # Without train, test is a folder like others.
    (["test/1.jpg", "val/2.jpg"], "nn", [0, 1], ("test", "val")),
    (["ä ö/1.jpg", "猫/2.jpg"], "nn", [0, 1], ("ä ö", "猫")),
    (["train/a/1.jpg", "val/b/2.jpg"], "nt", [0, 1], "ab"),
    (["Testing/a/1.jpg", "Training/b/2.jpg"], "tn", [0, 1], "ab"),
    (["train/a/1.jpg", "validation/b/2.jpg"], "nt", [0, 1], "ab"),
    # Of three parts, that for validation joins the training part.
    (
      ["test/a/1.jpg", "train/b/2.jpg", "valid/a/3.jpg"],
      "tnn",
      [0, 1, 0],
      "ab",
    ),
    # Classes, since bus is no part.
    (["bus/1.jpg", "train/2.jpg", "val/3.jpg"], "nnn", [0, 1, 2], None),
  ],
)
def test_layout(names, parts, labels, class_names):
  found = folder_scan.layout(names)
  assert found.parts == [{"n": "train", "t": "test"}[part] for part in parts]
  assert found.labels == labels
  top = tuple(name.split("/")[0] for name in names)
  assert found.class_names == (
    top if class_names is None else tuple(class_names)
  )


def test_mixed_layout_is_reported(caplog):
  with caplog.at_level("WARNING", logger="absl"):
    folder_scan.layout(["loose.jpg", "a/2.jpg", "b/3.jpg"])
  assert "1 of 3 images are in no class folder (the first: loose.jpg)" in (
    caplog.text
  )


def test_one_class_only_is_reported(caplog):
  with caplog.at_level("WARNING", logger="absl"):
    folder_scan.layout(["cat/1.jpg", "cat/2.jpg"])
  assert "All 2 images are of one class (cat)" in caplog.text


def test_labeled_parts(root, store):
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
  np.testing.assert_array_equal(dataset.ground_truth.classes, [0, 1, 0, 1])
  assert dataset.class_names == ("a", "b")
  for image, seed in zip(dataset.images, [1, 0, 2, 3]):
    np.testing.assert_array_equal(image, pattern(5, 7, seed))


def test_a_part_without_a_readable_image_is_left_out(root, store):
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
  found = set(map(image_names.unescape, dataset.names))
  assert found == {*names, "ü m/link.png"}
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
    root=str(root),
    data_dir=str(store),
    max_pixels=image_files.MAX_PIXELS,
    stored_size=256,
  )
  records = builder.as_data_source("train")
  assert [record["name"] for record in records] == [b"a/1.png", b"b/2.png"]
  assert [record["label"] for record in records] == [0, 1]


def test_parts_are_said(caplog):
  with caplog.at_level("INFO", logger="absl"):
    folder_scan.layout(["train/a/1.jpg", "train/b/1.jpg", "val/a/2.jpg"])
  assert (
    "taken as parts: train (2 images) as train, val (1 images) as test"
    in (caplog.text)
  )


def test_every_file_is_in_the_account(root):
  for name in (
    *("1.jpg", "a/2.png", "a/@eaDir/2.png/THUMB.jpg", "__MACOSX/._1.jpg"),
    *(".hidden.jpg", "runs/x/report/results.png", "a/Thumbs.db/x.png"),
  ):
    write(root / name)
  (root / "1.jpg").rename(root / "IMG_1")
  for name in ("runs/x/config.json", "runs/x/stages.json", "README", "n.txt"):
    (root / name).write_text("text")
  (root / "raw.nef").write_text("raw")
  (root / "empty.jpg").touch()
  found = folder_scan.scan(str(root))
  assert [entry.name for entry in found.entries] == ["IMG_1", "a/2.png"]
  assert [skipped.name for skipped in found.skipped] == ["empty.jpg", "raw.nef"]
  assert found.left_out == [("runs/x", "run")]
  assert found.not_images == {
    "@eaDir/": 1,
    "Thumbs.db/": 1,
    "__MACOSX/": 1,
    "hidden (begins with a dot)": 1,
    "folder of this package (run)": 1,
    "without a suffix": 1,
    ".txt": 1,
  }
  assert found.num_found == 2 + 2 + 7


def test_a_share_that_drops_out_ends_the_scan(root, monkeypatch):
  write(root / "a/1.png")
  monkeypatch.setattr(reading, "WAITS", [0, 0])
  real, tries = os.listdir, []

  def listdir(path):
    if str(path).endswith("/a"):
      tries.append(path)
      raise OSError(errno.ESTALE, "Stale file handle")
    return real(path)

  monkeypatch.setattr(folder_scan.os, "listdir", listdir)
  with pytest.raises(OSError, match=r"Stale file handle.*photos/a"):
    folder_scan.scan(str(root))
  assert len(tries) == 3


def test_a_working_directory_below_the_images_is_said(root, store, caplog):
  write(root / "1.png")
  write(root / "out/report/results.png")
  for name in ("config.json", "stages.json"):
    (root / "out" / name).write_text("{}")
  with caplog.at_level("WARNING", logger="absl"):
    assert load(root, store).names == ("1.png",)
  assert "out below" in caplog.text
  assert "left out" in caplog.text
