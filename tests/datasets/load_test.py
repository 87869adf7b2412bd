"""The options of `datasets.load`, and its output in a process of its own."""

import subprocess
import sys

import pytest
from support.folders import load, prepared_dirs, write

from dsth_jax import datasets


def test_home_is_expanded(root, store, monkeypatch):
  write(root / "x.png")
  monkeypatch.setenv("HOME", str(root.parent))
  assert load("~/photos", "~/prepared").names == ("x.png",)
  assert len(prepared_dirs(store)) == 1


def test_root_of_another_set(store):
  with pytest.raises(ValueError, match="or load image_folder"):
    datasets.load("digits", root="photos", data_dir=str(store))


@pytest.mark.parametrize("option", ["max_pixels", "stored_size"])
def test_sizes_are_positive(root, option):
  with pytest.raises(ValueError, match=f"{option}.*1 or more"):
    load(root, root, **{option: 0})


def test_loading_needs_no_tensorflow_and_prints_only_progress(root, store):
  write(root / "x.png")
  code = (
    "import sys\n"
    "from dsth_jax import datasets\n"
    "d = datasets.load('image_folder', root=sys.argv[1], data_dir=sys.argv[2])\n"
    "list(d.images)\n"
    "assert 'tensorflow' not in sys.modules\n"
  )
  done = subprocess.run(
    [sys.executable, "-c", code, str(root), str(store)],
    capture_output=True,
    text=True,
    check=True,
  )
  assert done.stdout == ""
  lines = done.stderr.replace("\r", "\n").splitlines()
  assert all(
    line.startswith("Preparing image_folder") for line in lines if line
  )
