"""Builders of published archives: sums, counts, photographs, what is left."""

import io
import os

import numpy as np
import pytest
from PIL import Image
from support import archive_files
from support.folders import pattern, prepared_dirs

from dsth_jax.datasets import archives, image_files, published_builder

JPEG = {"format": "JPEG", "quality": 90}


class TinyPhotographs(published_builder.PhotographBuilder):
  """Files named PART_CLASS_NUMBER.jpg; those of class "none" have no label."""

  class_names = ("cat", "dog")

  def find_sources(self):
    (archive,) = self.archives
    found = {}
    for name in archive.names:
      part, label, _ = name.split("_")
      number = None if label == "none" else self.class_names.index(label)
      source = published_builder.Photograph(archive, name, name, number)
      found.setdefault(part, []).append(source)
    return found


def encoded(height, width, seed=0, **options):
  file = io.BytesIO()
  Image.fromarray(pattern(height, width, seed)).save(file, **options)
  return file.getvalue()


FILES = {
  "unlabelled_none_1.png": encoded(6, 8, 1, format="PNG"),
  "train_dog_2.jpg": encoded(6, 8, 2, **JPEG),
  "test_cat_3.jpg": encoded(60, 80, 3, **JPEG),
  "train_cat_4.jpg": encoded(6, 8, 4, **JPEG),
}
COUNTS = {"train": 2, "test": 1}


def load(root, store, counts=COUNTS, **fields):
  tiny = archives.Published("tiny.tar.gz", "tiny", "https://tiny", **fields)
  archive = archives.find(str(root), [tiny])
  limits = image_files.Limits(10_000, 40)
  builder = TinyPhotographs([archive], counts, limits, data_dir=str(store))
  return published_builder.load(builder)


def write(root, files):
  archive_files.pack(root / "tiny.tar.gz", files)


def test_a_name_is_one_line(root, store):
  files = {**FILES, "train_dog_2.jpg\n.jpg": FILES["train_dog_2.jpg"]}
  write(root, files)
  dataset = load(root, store, {"train": 3, "test": 1})
  assert r"train_dog_2.jpg\u000a.jpg" in dataset.names


def test_photographs_of_every_part(root, store):
  write(root, FILES)
  dataset = load(root, store)
  assert dataset.parts.tolist() == ["train", "train", "test", "unlabelled"]
  assert dataset.ground_truth.classes.tolist() == [1, 0, 0, -1]
  assert dataset.names[0] == "train_dog_2.jpg"
  assert [image.shape[:2] for image in dataset.images] == [
    *((6, 8), (6, 8)),
    (40, 53),  # shrunk
    (6, 8),
  ]
  for name, image in zip(dataset.names, dataset.images):
    if "test" not in name:
      stored = np.asarray(Image.open(io.BytesIO(FILES[name])))
      np.testing.assert_array_equal(image, stored)


def test_prepared_once_and_again_after_a_change(root, store):
  write(root, FILES)
  first = load(root, store)
  assert load(root, store).fingerprint == first.fingerprint
  assert len(prepared_dirs(store)) == 1
  os.utime(root / "tiny.tar.gz", ns=(1, 1))
  assert load(root, store).fingerprint != first.fingerprint
  assert len(prepared_dirs(store)) == 2


def test_a_prepared_set_is_opened_without_reading_the_archive(
  root, store, monkeypatch
):
  write(root, FILES)
  load(root, store)
  monkeypatch.setattr("tarfile.open", None)
  monkeypatch.setattr("hashlib.file_digest", None)
  assert len(load(root, store, md5="0" * 32).images) == 4


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"md5": "0" * 32}, r"has the MD5"),
    ({"counts": {"train": 2, "test": 2}}, "1 test images, but 2 are published"),
    ({"counts": {"train": 9}}, r"2 train images, but 9 .*tiny\.tar\.gz from"),
  ],
)
def test_a_refused_archive_leaves_nothing(root, store, options, message):
  write(root, FILES)
  with pytest.raises(ValueError, match=message):
    load(root, store, **options)
  assert not [path for path in store.rglob("*") if path.is_file()]


def test_half_an_archive_leaves_nothing(root, store):
  photos = {f"train_cat_{i}.jpg": encoded(70, 80, i, **JPEG) for i in range(9)}
  write(root, photos)
  path = root / "tiny.tar.gz"
  path.write_bytes(path.read_bytes()[:-2_000])
  with pytest.raises(ValueError, match="is damaged or not complete"):
    load(root, store, counts={"train": 9})
  assert not [path for path in store.rglob("*") if path.is_file()]


def test_a_broken_photograph_is_skipped(root, store):
  write(root, FILES | {"train_cat_4.jpg": FILES["train_cat_4.jpg"][:200]})
  dataset = load(root, store)
  ((name, reason),) = dataset.skipped
  assert name == "train_cat_4.jpg"
  assert "truncated or damaged" in reason
  assert dataset.parts.tolist() == ["train", "test", "unlabelled"]
