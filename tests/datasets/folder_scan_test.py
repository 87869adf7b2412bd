"""Parts, labels and names of images in folders."""

import os

import numpy as np
import pytest
from PIL import Image
from support.folders import load, pattern, write

from dsth_jax.datasets import folder_scan, image_files, image_folder


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
  ],
)
def test_layout(names, parts, labels, class_names):
  found = folder_scan.layout(names)
  assert found.parts == [{"n": "train", "t": "test"}[part] for part in parts]
  assert found.labels == labels
  assert found.class_names == tuple(class_names)


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
    root=str(root),
    data_dir=str(store),
    max_pixels=image_files.MAX_PIXELS,
    stored_size=256,
  )
  records = builder.as_data_source("train")
  assert [record["name"] for record in records] == [b"a/1.png", b"b/2.png"]
  assert [record["label"] for record in records] == [0, 1]
