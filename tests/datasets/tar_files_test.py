"""Members of a .tar: what is read, counted, and not believed."""

import errno
import io
import struct
import tarfile
import tracemalloc

import pytest
from support.shard_files import jpeg

from dsth_jax import datasets
from dsth_jax.datasets import reading, shards
from dsth_jax.datasets.shards import tar_files

PHOTO = jpeg(0)
HUGE = 64 << 30


def member(name, data=PHOTO, **attributes):
  info = tarfile.TarInfo(name)
  info.size = len(data)
  for attribute, value in attributes.items():
    setattr(info, attribute, value)
  return info, data


def write(path, members, form=tarfile.GNU_FORMAT):
  with tarfile.open(path, "w", format=form) as tar:
    for info, data in members:
      tar.addfile(info, io.BytesIO(data))
  return path


def read(path, **limits):
  (shard,) = shards.find(str(path), images_per_shard=1)
  return list(shards.read(shard, **limits))


def sparse(name):
  """The header of a GNU sparse member of 64 GiB without any data."""
  info = tarfile.TarInfo(name)
  info.type = tarfile.GNUTYPE_SPARSE
  header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
  # One hole of the whole size: offset and length 0, and the real size.
  header[386:410] = b"00000000000\0" * 2
  header[483:495] = b"\x80" + bytes(3) + struct.pack(">Q", HUGE)
  header[148:156] = b" " * 8
  header[148:156] = b"%06o\0 " % sum(header)
  return bytes(header)


def test_every_member_is_an_image_or_counted(tmp_path):
  path = write(
    tmp_path / "x.tar",
    [
      member("a/1.jpg"),
      member("a/1.cls", b"3"),
      member("./2"),
      member("notes", b"plain text"),
      member("3.jpg", b"text"),
      member("._1.jpg"),
      member("@eaDir/1.jpg"),
      member("raw.nef"),
      member("folder", b"", type=tarfile.DIRTYPE),
    ],
  )
  assert read(path) == [
    shards.Encoded("a/1", PHOTO),
    shards.NotImage(".cls"),
    shards.Encoded("2", PHOTO),
    shards.NotImage("without a suffix"),
    shards.Encoded("3", b"text"),
    shards.NotImage("hidden (begins with a dot)"),
    shards.NotImage("@eaDir/"),
    datasets.Skipped(
      "raw.nef", "is a camera's raw file: export .nef as JPEG or TIFF"
    ),
    shards.NotImage("folder"),
  ]


def test_a_sparse_member_is_skipped_and_the_rest_is_read(tmp_path):
  path = tmp_path / "x.tar"
  before = write(tmp_path / "1.tar", [member("1.jpg")]).read_bytes()
  after = write(tmp_path / "2.tar", [member("2.jpg")]).read_bytes()
  photo = before[: 512 * (1 + -(-len(PHOTO) // 512))]
  path.write_bytes(photo + sparse("bomb.png") + after)
  tracemalloc.start()
  one, bomb, two = read(path)
  assert tracemalloc.get_traced_memory()[1] < 10_000_000
  tracemalloc.stop()
  assert (one.name, two.name) == ("1", "2")
  assert bomb.name == "bomb"
  assert bomb.reason.startswith("is a sparse member, which is not read")


def header(info):
  return info.tobuf(tarfile.GNU_FORMAT)


def test_a_member_that_claims_more_than_the_file_is_not_read(tmp_path):
  info, _ = member("1.jpg", size=HUGE)
  path = tmp_path / "x.tar"
  path.write_bytes(header(info) + PHOTO + bytes(2048))
  tracemalloc.start()
  with pytest.raises(shards.ShardError, match="is truncated or damaged"):
    read(path)
  assert tracemalloc.get_traced_memory()[1] < 10_000_000
  tracemalloc.stop()


def test_a_member_within_the_limit_that_the_file_does_not_hold(tmp_path):
  info, _ = member("1.jpg", size=10_000)
  path = tmp_path / "x.tar"
  path.write_bytes(header(info) + PHOTO + bytes(1024))
  with pytest.raises(shards.ShardError, match="more than the file has"):
    read(path)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
@pytest.mark.parametrize("size", [HUGE, -512])
def test_a_header_that_claims_bytes_for_itself(kind, size, tmp_path):
  info, _ = member("name", type=kind, size=size)
  path = tmp_path / "x.tar"
  path.write_bytes(header(info) + bytes(4096))
  with pytest.raises(shards.ShardError, match="is truncated or damaged"):
    read(path)


def test_a_negative_size_ends(tmp_path):
  info, _ = member("1.jpg", size=-1024)
  path = tmp_path / "x.tar"
  path.write_bytes(bytes(header(info)) * 4 + bytes(1024))
  with pytest.raises(shards.ShardError, match="leads back"):
    read(path)


@pytest.mark.parametrize(
  "content",
  [b"GNU.sparse.map=text", b"GNU.sparse.major=1\n22 GNU.sparse.minor=0"],
)
def test_odd_attributes_are_damage_of_this_shard_only(content, tmp_path):
  text = content + b"\n"
  text = b"%d %s" % (len(text) + 3, text)
  info, _ = member("pax", text, type=tarfile.XHDTYPE)
  path = tmp_path / "x.tar"
  block = text.ljust(512, b"\0")
  path.write_bytes(header(info) + block + header(member("1.jpg")[0]))
  with pytest.raises(shards.ShardError, match="is truncated or damaged"):
    read(path)


def test_a_member_of_too_many_bytes_is_skipped(tmp_path):
  path = write(tmp_path / "x.tar", [member("1.jpg"), member("2.jpg", b"1")])
  large, small = read(path, max_bytes=len(PHOTO) - 1)
  assert large.reason.startswith(
    f"has too many bytes: {len(PHOTO):,}, more than"
  )
  assert "--max_bytes" in large.reason
  assert small == shards.Encoded("2", b"1")


def test_links_are_skipped(tmp_path):
  info, _ = member("2.jpg", b"", type=tarfile.LNKTYPE, linkname="1.jpg")
  path = write(tmp_path / "x.tar", [member("1.jpg"), (info, b"")])
  assert read(path)[1] == datasets.Skipped("2", "is not a file")


def test_a_read_that_fails_for_a_passing_reason_is_tried_again(
  tmp_path, monkeypatch
):
  path = write(tmp_path / "x.tar", [member("1.jpg")])
  monkeypatch.setattr(reading, "WAITS", [0, 0])
  real, failed = tar_files.reading.tried, []

  def tried(name, read):
    def read_at_the_second_try():
      failed.append(name)
      if len(failed) == 2:
        raise OSError(errno.ESTALE, "Stale file handle")
      return read()

    return real(name, read_at_the_second_try)

  monkeypatch.setattr(tar_files.reading, "tried", tried)
  assert read(path) == [shards.Encoded("1", PHOTO)]
