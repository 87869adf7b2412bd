"""Archives of every kind: what they hold, and what is refused."""

import gzip
import os

import pytest
from support import archive_files

from dsth_jax.datasets import archives

URL = "https://example.org/set"
FILES = {
  "set/b.bin": bytes(range(12)),
  "set/a/1.jpg": b"one",
  "set/empty.txt": b"",
  "set/.hidden": b"x",
  "__MACOSX/set/b.bin": b"x",
}


def published(kind, **fields):
  return archives.Published(f"set.{kind}", "set", URL, **fields)


def write(root, kind):
  name = "" if kind == "folder" else f"set.{kind}"
  archive_files.pack(root / name, FILES)
  return published("zip" if kind == "folder" else kind)


@pytest.mark.parametrize("kind", archive_files.KINDS)
def test_every_kind_holds_the_same(root, kind):
  with archives.find(str(root), [write(root, kind)]) as archive:
    assert sorted(archive.names) == ["a/1.jpg", "b.bin", "empty.txt"]
    assert archive.size("b.bin") == 12
    assert archive.read("a/1.jpg") == b"one"
    assert archive.read("empty.txt") == b""
    parts = list(archive.records("b.bin", 3))
    assert b"".join(parts) == FILES["set/b.bin"]
    assert list(archive.records("b.bin", 3, 1, 3)) == parts[1:3]
    assert list(archive.records("b.bin", 3, 3, 9)) == parts[3:]
    with pytest.raises(ValueError, match=r"holds no c\.bin: download set\..*"):
      archive.read("c.bin")
    with pytest.raises(ValueError, match="12 bytes, but records of 5"):
      list(archive.records("b.bin", 5))


@pytest.mark.parametrize("kind", archive_files.KINDS)
def test_state_changes_with_the_content(root, kind):
  choice = write(root, kind)
  with archives.find(str(root), [choice]) as archive:
    before = archive.state
  with archives.find(str(root), [choice]) as archive:
    assert archive.state == before
    changed = archive.path
  path = f"{changed}/a/1.jpg" if os.path.isdir(changed) else changed
  os.utime(path, ns=(1, 1))
  with archives.find(str(root), [choice]) as archive:
    assert archive.state != before


def test_the_unpacked_folder_itself(root):
  choice = write(root, "folder")
  with archives.find(str(root / "set"), [choice]) as archive:
    assert archive.read("a/1.jpg") == b"one"


def test_the_file_goes_before_the_folder(root):
  write(root, "folder")
  choice = write(root, "tar.gz")
  assert archives.find(str(root), [choice]).path.endswith("set.tar.gz")


def test_records_of_a_compressed_tar_are_read_in_one_pass(root, monkeypatch):
  size = 3_000
  content = os.urandom(200 * size)
  archive_files.pack(root / "set.tar.gz", {"set/b.bin": content})
  with archives.find(str(root), [published("tar.gz")]) as archive:
    assert archive.names == ("b.bin",)
    passes = []
    rewind = gzip._GzipReader._rewind

    def count(reader):
      passes.append(1)
      rewind(reader)

    monkeypatch.setattr(gzip._GzipReader, "_rewind", count)
    found = [
      record
      for start in range(0, 200, 10)
      for record in archive.records("b.bin", size, start, start + 10)
    ]
  assert b"".join(found) == content
  assert len(passes) == 1


@pytest.mark.parametrize(
  ("kind", "share"),
  [
    ("tar.gz", 0.5),
    ("tar.gz", 0.98),
    ("tar", 0.5),
    ("zip", 0.5),
    ("zip", 0.98),
  ],
)
def test_half_an_archive(root, kind, share):
  content = {"set/b.bin": os.urandom(40_000)}
  path = archive_files.pack(root / f"set.{kind}", content)
  path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
  with (
    archives.find(str(root), [published(kind)]) as archive,
    pytest.raises(ValueError, match=rf"{kind} is damaged or not.*from {URL}"),
  ):
    archive.read("b.bin")


def test_another_file_with_that_name(root):
  (root / "set.tar.gz").write_text("<html>Not found</html>")
  with (
    archives.find(str(root), [published("tar.gz")]) as archive,
    pytest.raises(ValueError, match="is damaged"),
  ):
    _ = archive.names


def test_published_sum(root):
  write(root, "tar.gz")
  good = archive_files.md5(root / "set.tar.gz")
  archives.find(str(root), [published("tar.gz", md5=good)]).check_sum()
  wrong = archives.find(str(root), [published("tar.gz", md5="0" * 32)])
  with pytest.raises(ValueError, match=f"MD5 {good}, but 0000.*again"):
    wrong.check_sum()


def test_an_unpacked_folder_has_no_sum(root):
  write(root, "folder")
  choice = published("tar.gz", md5="0" * 32)
  archives.find(str(root), [choice]).check_sum()


def test_missing(root, tmp_path):
  choice = published("zip", size="3 MB")
  with pytest.raises(
    ValueError, match=rf"set\.zip or set/: download set.zip \(3 MB\) from {URL}"
  ):
    archives.find(str(root), [choice])
  with pytest.raises(ValueError, match=r"does not exist: pass .* set\.zip"):
    archives.find(str(tmp_path / "none"), [choice])
  (root / "set.zip").touch()
  with pytest.raises(ValueError, match="is a file: pass the folder"):
    archives.find(str(root / "set.zip"), [choice])


def test_what_to_do_where_a_download_is_not_all(root):
  choice = published("zip", how="unpack the parts with unrar.")
  with pytest.raises(
    ValueError, match=r"hold set\.zip or set/: unpack the part"
  ):
    archives.find(str(root), [choice])


@pytest.mark.parametrize("kind", archive_files.KINDS)
def test_a_released_archive_is_read_again(root, kind):
  write(root, kind)
  with archives.find(str(root), [published(kind)]) as archive:
    names = archive.names
    before = [archive.read(name) for name in names]
    archive.release()
    assert [archive.read(name) for name in names[::-1]] == before[::-1]
    assert archive.names == names
