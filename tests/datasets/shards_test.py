"""Shards of encoded images: what is written is what is read."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from dsth_jax import datasets
from dsth_jax.datasets import shards

LIMITS = {"image_size": 16, "max_pixels": 10_000, "stored_size": 256}


def jpeg(number):
  pixels = np.random.default_rng(number).integers(0, 256, (20, 24, 3), np.uint8)
  encoded = io.BytesIO()
  Image.fromarray(pixels).save(encoded, "JPEG")
  return encoded.getvalue()


FILES = {f"{number:04d}": jpeg(number) for number in range(40)}


def write_tar(directory, files=FILES):
  path = directory / "photos.tar"
  with tarfile.open(path, "w") as tar:
    for name, data in files.items():
      for suffix, content in (("jpg", data), ("cls", b"3")):
        member = tarfile.TarInfo(f"{name}.{suffix}")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
  return path


def write_parquet(directory, files=FILES):
  import pyarrow
  from pyarrow import parquet

  path = directory / "photos.parquet"
  images = [{"bytes": data, "path": name} for name, data in files.items()]
  parquet.write_table(pyarrow.table({"image": images}), path)
  return path


def write_array_record(directory, files=FILES):
  from array_record.python import array_record_module

  path = directory / "photos.array_record"
  writer = array_record_module.ArrayRecordWriter(str(path), "group_size:1")
  for data in files.values():
    writer.write(data)
  writer.close()
  return path


def write_folder(directory, files=FILES):
  path = directory / "photos"
  path.mkdir()
  for name, data in files.items():
    (path / f"{name}.jpg").write_bytes(data)
  return path


WRITERS = {
  "tar": write_tar,
  "parquet": write_parquet,
  "array_record": write_array_record,
  "folder": write_folder,
}


def find(path):
  return shards.find(str(path), images_per_shard=1000)


@pytest.mark.parametrize("kind", WRITERS)
class TestEveryKind:
  def test_gives_what_was_written(self, kind, tmp_path):
    (shard,) = find(WRITERS[kind](tmp_path))
    assert shard.kind == kind
    read = list(shards.read(shard))
    assert [image.data for image in read] == list(FILES.values())
    names = [image.name.removesuffix(".jpg") for image in read]
    numbers = [str(row) for row in range(len(FILES))]
    assert names == (numbers if kind == "array_record" else list(FILES))

  def test_resized_images_are_those_of_image_batches(self, kind, tmp_path):
    (shard,) = find(WRITERS[kind](tmp_path))
    found = [image.pixels for image in shards.resized_images(shard, **LIMITS)]
    images = [
      np.asarray(Image.open(io.BytesIO(data))) for data in FILES.values()
    ]
    (expected,) = datasets.image_batches(images, image_size=16, batch_size=40)
    np.testing.assert_array_equal(found, expected)

  def test_what_is_no_image_is_named(self, kind, tmp_path):
    files = {**FILES, "0007": b"no image"}
    (shard,) = find(WRITERS[kind](tmp_path, files))
    found = list(shards.resized_images(shard, **LIMITS))
    skipped = [item for item in found if isinstance(item, datasets.Skipped)]
    assert len(found) == len(files)
    (skipped,) = skipped
    assert skipped.name.removesuffix(".jpg") in ("0007", "7")
    assert skipped.reason == "is not a JPEG, PNG, WebP, GIF or BMP image"

  def test_too_many_pixels(self, kind, tmp_path):
    (shard,) = find(WRITERS[kind](tmp_path))
    limits = {**LIMITS, "max_pixels": 100}
    for item in shards.resized_images(shard, **limits):
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
  # A header of a tar, of a page or of a chunk, and what comes after.
  data[:512] = data[512:1024] = b"\xff" * 512
  path.write_bytes(data)
  (shard,) = find(path)
  with pytest.raises(
    shards.ShardError, match=f"{path} is truncated or damaged"
  ):
    list(shards.read(shard))


def test_a_shard_that_has_gone_is_named(tmp_path):
  for write in (write_tar, write_parquet, write_array_record):
    path = write(tmp_path)
    (shard,) = find(path)
    path.unlink()
    with pytest.raises(shards.ShardError, match=f"{path} has gone"):
      list(shards.read(shard))


@pytest.mark.parametrize("names", [["text"], ["image", "image"]])
def test_parquet_without_one_column_of_images(names, tmp_path):
  import pyarrow
  from pyarrow import parquet

  path = tmp_path / "other.parquet"
  columns = [pyarrow.array([b"a"])] * len(names)
  parquet.write_table(pyarrow.table(columns, names), path)
  (shard,) = find(path)
  with pytest.raises(shards.ShardError, match="no one column `image`"):
    list(shards.read(shard))


@pytest.mark.parametrize(
  ("pattern", "words"),
  [
    ("missing.tar", "missing.tar does not exist"),
    ("missing-*.tar", "no shard matches"),
    ("photos-{0..2}.tar", "photos-0.tar does not exist"),
    ("notes.txt", "is no shard"),
    ("", "no image to read"),
  ],
)
def test_patterns_that_name_nothing(pattern, words, tmp_path):
  (tmp_path / "notes.txt").write_text("notes")
  with pytest.raises(ValueError, match=words):
    find(tmp_path / pattern)


def test_a_folder_is_cut_in_order(tmp_path):
  path = write_folder(tmp_path)
  found = shards.find(str(path), images_per_shard=15)
  names = [[image.name for image in shards.read(shard)] for shard in found]
  assert [len(each) for each in names] == [15, 15, 10]
  assert [name for each in names for name in each] == [
    f"{name}.jpg" for name in FILES
  ]


def test_a_shard_written_anew_is_another(tmp_path):
  (before,) = find(write_tar(tmp_path))
  (again,) = find(tmp_path / "photos.tar")
  assert before.fingerprint == again.fingerprint
  (after,) = find(write_tar(tmp_path, {**FILES, "0000": jpeg(99)}))
  assert before.fingerprint != after.fingerprint
