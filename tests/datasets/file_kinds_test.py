"""What is an image, what is hidden, and what else there is."""

import io

import numpy as np
import pytest
from PIL import Image
from support.folders import pattern

from dsth_jax.datasets import file_kinds

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
FORMATS = ["AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP"]


def encoded(name):
  file = io.BytesIO()
  Image.fromarray(pattern(8, 8)).save(file, name)
  return file.getvalue()


def kind(name, data=b""):
  return file_kinds.kind(name, lambda: data[: file_kinds.HEAD_BYTES])


@pytest.mark.parametrize("name", ["IMG_1", "a.b/IMG", "x.jpg_large", "x.bak"])
@pytest.mark.parametrize("format_name", FORMATS)
def test_without_a_telling_suffix_the_content_decides(name, format_name):
  assert kind(name, encoded(format_name)) == file_kinds.IMAGE
  assert kind(name, b"plain text, and more of it") != file_kinds.IMAGE


def test_heic_is_an_image_without_its_decoder():
  assert kind("IMG_1", HEIC) == file_kinds.IMAGE


@pytest.mark.parametrize(
  "name", ["x.JPG", "x.heic", "x.Tif", "x.jp2", "x.NEF", "x.jxl", "a/b.c.png"]
)
def test_the_suffix_of_an_image_is_not_read(name):
  def head():
    raise AssertionError("read")

  assert file_kinds.kind(name, head) == file_kinds.IMAGE


@pytest.mark.parametrize(
  ("name", "expected"),
  [
    ("a/notes.TXT", ".txt"),
    ("clip.mov", ".mov"),
    ("x.aae", ".aae"),
    ("page.svg", ".svg"),
    ("x.tar.gz", ".gz"),
    ("scan.pdf", ".pdf"),
  ],
)
def test_a_telling_suffix_is_the_kind_without_reading(name, expected):
  def head():
    raise AssertionError("read")

  assert file_kinds.kind(name, head) == expected


@pytest.mark.parametrize(
  ("name", "expected"),
  [
    ("README", "without a suffix"),
    ("data.12345", "without a suffix"),
    ("x.qqq", ".qqq"),
    ("x." + "q" * 40, "without a suffix"),
  ],
)
def test_kinds_of_other_files_are_few(name, expected):
  assert kind(name, b"something else") == expected


@pytest.mark.parametrize(
  "name",
  [
    *(".DS_Store", "._a.jpg", ".thumbnails", "@eaDir", "#recycle"),
    *("__MACOSX", "lost+found", "Thumbs.db", "$RECYCLE.BIN"),
  ],
)
def test_what_systems_keep_is_hidden(name):
  assert file_kinds.hidden(name)


@pytest.mark.parametrize("name", ["IMG.jpg", "eaDir", "2023", "lost and found"])
def test_other_names_are_not_hidden(name):
  assert file_kinds.hidden(name) is None


def test_raw_files_say_what_to_do():
  assert file_kinds.not_read("a/b.NEF") == (
    "is a camera's raw file: export .nef as JPEG or TIFF"
  )
  assert "save .jxl as AVIF" in file_kinds.not_read("b.jxl")
  assert file_kinds.not_read("b.jpg") is None


def test_heic_names_what_to_install(monkeypatch):
  monkeypatch.setattr(file_kinds, "reads_heif", lambda: False)
  assert 'pip install "dsth_jax[heif]"' in file_kinds.unreadable(HEIC)
  monkeypatch.setattr(file_kinds, "reads_heif", lambda: True)
  assert "install" not in file_kinds.unreadable(HEIC)


@pytest.mark.parametrize(
  ("members", "expected"),
  [
    (["config.json", "stages.json", "report"], "run"),
    (["fingerprint.json", "pixels.npy"], "stage of a run"),
    (["index.html", "report.md", "results.png"], "report"),
    (["config.json", "a.jpg"], None),
    (["index.html", "a.jpg"], None),
    ([], None),
  ],
)
def test_folders_of_this_package(members, expected):
  assert file_kinds.product(members) == expected


def test_random_bytes_are_hardly_ever_an_image():
  rng = np.random.default_rng(0)
  heads = rng.integers(0, 256, (2000, 32), np.uint8)
  found = sum(file_kinds.begins_as_image(head.tobytes()) for head in heads)
  # BMP is told by two bytes: one in 65,536.
  assert found <= 1
