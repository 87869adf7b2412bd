"""Shards of encoded images."""

import io

import numpy as np
import pytest
from PIL import Image
from support.shard_files import (
  FILES,
  WRITERS,
  jpeg,
  write_array_record,
  write_folder,
  write_parquet,
  write_tar,
)

from dsth_jax import datasets
from dsth_jax.datasets import shards

LIMITS = {"image_size": 16, "max_pixels": 10_000, "stored_size": 256}


def find(path):
  return shards.find(str(path), images_per_shard=1000)


def images_of(items):
  """Leaves out the class numbers beside the images of a .tar."""
  return [item for item in items if not isinstance(item, shards.NotImage)]


@pytest.mark.parametrize("kind", WRITERS)
class TestEveryKind:
  def test_reads_the_images_that_were_written(self, kind, tmp_path):
    (shard,) = find(WRITERS[kind](tmp_path))
    assert shard.kind == kind
    read = images_of(shards.read(shard))
    assert [image.data for image in read] == list(FILES.values())
    names = [image.name.removesuffix(".jpg") for image in read]
    numbers = [str(row) for row in range(len(FILES))]
    assert names == (numbers if kind == "array_record" else list(FILES))

  def test_resized_images_are_those_of_image_batches(self, kind, tmp_path):
    (shard,) = find(WRITERS[kind](tmp_path))
    found = [
      image.pixels
      for image in images_of(shards.resized_images(shard, **LIMITS))
    ]
    images = [
      np.asarray(Image.open(io.BytesIO(data))) for data in FILES.values()
    ]
    (expected,) = datasets.image_batches(images, image_size=16, batch_size=40)
    np.testing.assert_array_equal(found, expected)
    cropped = shards.resized_images(shard, **LIMITS, resized_size=20)
    (expected,) = datasets.image_batches(
      images, image_size=16, batch_size=40, resized_size=20
    )
    found = [image.pixels for image in images_of(cropped)]
    np.testing.assert_array_equal(found, expected)

  def test_a_file_that_is_no_image_is_skipped(self, kind, tmp_path):
    files = {**FILES, "0007": b"no image"}
    (shard,) = find(WRITERS[kind](tmp_path, files))
    found = images_of(shards.resized_images(shard, **LIMITS))
    skipped = [item for item in found if isinstance(item, datasets.Skipped)]
    assert len(found) == len(files)
    (skipped,) = skipped
    assert skipped.name.removesuffix(".jpg") in ("0007", "7")
    assert skipped.reason.startswith("is not an image: its content is not ")

  def test_too_many_pixels(self, kind, tmp_path):
    (shard,) = find(WRITERS[kind](tmp_path))
    limits = {**LIMITS, "max_pixels": 100}
    for item in images_of(shards.resized_images(shard, **limits)):
      assert isinstance(item, datasets.Skipped)


@pytest.mark.parametrize("kind", ["tar", "parquet", "array_record"])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_truncated_shard_is_named(kind, share, tmp_path):
  path = WRITERS[kind](tmp_path)
  whole = path.read_bytes()
  path.write_bytes(whole[: int(share * len(whole))])
  (shard,) = find(path)
  with pytest.raises(
    shards.ShardError, match=f"{path} is truncated or damaged"
  ):
    list(shards.read(shard))


@pytest.mark.parametrize("kind", ["tar", "parquet", "array_record"])
def test_a_damaged_shard_is_named(kind, tmp_path):
  path = WRITERS[kind](tmp_path)
  data = bytearray(path.read_bytes())
  # A header of a tar, of a page or of a chunk, and the bytes after it.
  data[:512] = data[512:1024] = b"\xff" * 512
  path.write_bytes(data)
  (shard,) = find(path)
  with pytest.raises(
    shards.ShardError, match=f"{path} is truncated or damaged"
  ):
    list(shards.read(shard))


def test_a_removed_shard_is_named(tmp_path):
  for write in (write_tar, write_parquet, write_array_record):
    path = write(tmp_path)
    (shard,) = find(path)
    path.unlink()
    with pytest.raises(shards.ShardError, match=f"{path} was removed"):
      list(shards.read(shard))


@pytest.mark.parametrize("names", [["text"], ["image", "image"]])
def test_parquet_without_one_column_of_images(names, tmp_path):
  import pyarrow
  from pyarrow import parquet

  path = tmp_path / "other.parquet"
  columns = [pyarrow.array([b"a"])] * len(names)
  parquet.write_table(pyarrow.table(columns, names), path)
  (shard,) = find(path)
  with pytest.raises(shards.ShardError, match="but one column `image`"):
    list(shards.read(shard))


@pytest.mark.parametrize(
  ("pattern", "message"),
  [
    ("missing.tar", "missing.tar does not exist"),
    ("missing-*.tar", "no shard matches"),
    ("photos-{0..2}.tar", "photos-0.tar does not exist"),
    ("notes.txt", "is no shard"),
    ("", "no image to read"),
  ],
)
def test_patterns_without_a_match_are_refused(pattern, message, tmp_path):
  (tmp_path / "notes.txt").write_text("notes")
  with pytest.raises(ValueError, match=message):
    find(tmp_path / pattern)


def test_a_folder_is_divided_in_order(tmp_path):
  path = write_folder(tmp_path)
  found = shards.find(str(path), images_per_shard=15)
  names = [[image.name for image in shards.read(shard)] for shard in found]
  assert [len(each) for each in names] == [15, 15, 10]
  assert [name for each in names for name in each] == [
    f"{name}.jpg" for name in FILES
  ]


def test_a_shard_written_again_has_another_fingerprint(tmp_path):
  (before,) = find(write_tar(tmp_path))
  (again,) = find(tmp_path / "photos.tar")
  assert before.fingerprint == again.fingerprint
  (after,) = find(write_tar(tmp_path, {**FILES, "0000": jpeg(99)}))
  assert before.fingerprint != after.fingerprint


@pytest.mark.parametrize("kind", ["parquet", "array_record", "folder"])
def test_images_of_too_many_bytes_are_skipped(kind, tmp_path):
  (shard,) = find(WRITERS[kind](tmp_path, {"1": jpeg(1), "2": b"few"}))
  large, small = shards.read(shard, max_bytes=5)
  assert large.reason.startswith("has too many bytes: more than max_bytes = 5")
  assert small.data == b"few"


def test_paths_with_commas(tmp_path):
  for name in ("Paris, 2023", "Rome", "a,b,c"):
    (tmp_path / name).mkdir()
    (tmp_path / name / "1.jpg").write_bytes(jpeg(1))
  paris, rome, letters = (
    str(tmp_path / name) for name in ("Paris, 2023", "Rome", "a,b,c")
  )

  def paths(patterns):
    found = shards.find(patterns, images_per_shard=1)
    return [shard.path for shard in found]

  assert paths(paris) == [paris]
  assert paths(f"{rome}, {paris},{letters}") == [rome, paris, letters]
  assert paths([paris, f"{rome},{letters}"]) == [paris, rome, letters]
  assert paths(f"{tmp_path}/Par*, 2023,{rome}") == [paris, rome]
  with pytest.raises(ValueError, match="Oslo does not exist"):
    paths(f"{rome},{tmp_path}/Oslo, 2023")


def test_other_files_of_a_folder_are_counted_once(tmp_path):
  path = write_folder(tmp_path)
  (path / "notes.txt").touch()
  (path / "empty.jpg").touch()
  first, second = shards.find(str(path), images_per_shard=20)
  kinds = [type(item) for item in shards.read(first)]
  assert kinds[:2] == [datasets.Skipped, shards.NotImage]
  assert {type(item) for item in shards.read(second)} == {shards.Encoded}


def test_names_of_parquet_that_are_no_text_are_damage(tmp_path):
  import pyarrow
  from pyarrow import parquet

  path = tmp_path / "names.parquet"
  names = pyarrow.array([b"\xff\xfe"]).view(pyarrow.string())
  table = pyarrow.table({"image": [jpeg(0)], "name": names})
  parquet.write_table(table, path)
  (shard,) = find(path)
  with pytest.raises(shards.ShardError, match="is truncated or damaged"):
    list(shards.read(shard))
