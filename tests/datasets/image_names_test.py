import os
import pathlib

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

import dsth_jax
from dsth_jax.datasets import folder_scan, image_names

# Bytes as a file system may have them, with what needs an escape often.
NAMES = st.one_of(
  st.binary(),
  st.text(
    st.sampled_from("a\\xu0123e9\n\r\x85\u2028\u2029\x0b\x0c\t\u202f\u200d")
  ).map(lambda text: text.encode()),
).map(os.fsdecode)


@hypothesis.given(NAMES)
def test_a_name_comes_back_from_one_line(name):
  line = image_names.escape(name)
  assert image_names.unescape(line) == name
  assert len(f"{line}\n".splitlines()) == 1
  assert line.encode("utf-8").decode("utf-8") == line
  assert "\t" not in line


@pytest.mark.parametrize(
  ("name", "line"),
  [
    ("IMG (copy\n).jpg", r"IMG (copy\u000a).jpg"),
    ("next\x85line.jpg", r"next\u0085line.jpg"),
    ("line\u2028separator.jpg", "line\\u2028separator.jpg"),
    ("carriage\rreturn.jpg", r"carriage\u000dreturn.jpg"),
    (os.fsdecode(b"caf\xe9.jpg"), r"caf\xe9.jpg"),
    (r"caf\xe9.jpg", r"caf\u005cxe9.jpg"),
  ],
)
def test_what_would_break_a_line_is_escaped(name, line):
  assert image_names.escape(name) == line


@pytest.mark.parametrize(
  "name",
  [
    "1.23.45\u202fPM.jpg",
    "no\u00a0break.jpg",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467.jpg",
    r"a\folder\image.jpg",
    "Gr\u00fc\u00dfe.jpg",
    " ends with a space ",
  ],
)
def test_all_else_stays_as_it_is(name):
  assert image_names.escape(name) == name


@hypothesis.given(st.lists(NAMES, max_size=5))
def test_read_names_gives_back_what_was_listed(tmp_path_factory, names):
  path = tmp_path_factory.mktemp("names") / "names.txt"
  lines = "".join(f"{image_names.escape(name)}\n" for name in names)
  path.write_bytes(lines.encode())
  assert dsth_jax.read_names(path) == names


def test_names_of_a_folder_open_its_files(tmp_path):
  root = os.fsencode(tmp_path)
  names = [
    b"a\nb.png",
    b"caf\xe9.png",
    "\u202f\u2028.png".encode(),
    b"\\x0a.png",
  ]
  for name in names:
    with open(os.path.join(root, name), "wb") as file:
      Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(file, "PNG")
  found = folder_scan.scan(str(tmp_path)).entries
  back = [image_names.unescape(entry.name) for entry in found]
  assert sorted(map(os.fsencode, back)) == sorted(names)
  assert all((pathlib.Path(tmp_path) / name).is_file() for name in back)


def test_a_file_of_other_bytes_is_refused(tmp_path):
  (tmp_path / "names.txt").write_bytes(b"caf\xe9\n")
  with pytest.raises(ValueError, match="not UTF-8"):
    dsth_jax.read_names(tmp_path / "names.txt")
