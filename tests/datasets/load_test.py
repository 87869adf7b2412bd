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


def test_a_part_of_the_training_images(root, store):
  for kind in ("cat", "dog"):
    for number in range(6):
      write(root / "train" / kind / f"{number}.png")
    write(root / "test" / kind / "0.png")
  whole = load(root, store)
  part = load(root, store, num_training=4, seed=3)
  assert part.parts.tolist() == ["train"] * 4 + ["test"] * 2
  assert part.ground_truth.classes.tolist() == [0, 0, 1, 1, 0, 1]
  assert set(part.names) < set(whole.names)
  assert part.fingerprint != whole.fingerprint
  assert load(root, store, num_training=12).fingerprint == whole.fingerprint
  assert len(prepared_dirs(store)) == 1
  with pytest.raises(ValueError, match=r"num_training -1: .* 0 or more"):
    load(root, store, num_training=-1)


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
