"""Preparing a set: interrupted, in two processes, in many files."""

import subprocess
import sys
import threading
from concurrent import futures

import numpy as np
import pytest
from support.folders import load, pattern, prepared_dirs, write

from dsth_jax.datasets import image_files


def test_failed_preparation_leaves_no_files(root, store, monkeypatch):
  write(root / "1.png")
  write(root / "2.png")
  real = image_files.stored_bytes

  def interrupt(file, **options):
    if file.name.endswith("2.png"):
      raise KeyboardInterrupt
    return real(file, **options)

  monkeypatch.setattr(image_files, "stored_bytes", interrupt)
  with pytest.raises(KeyboardInterrupt):
    load(root, store)
  assert prepared_dirs(store) == []
  assert not list(store.rglob("*.array_record*"))
  monkeypatch.undo()
  assert len(load(root, store).images) == 2


KILLED = """
import os, sys
from dsth_jax import datasets
from dsth_jax.datasets import image_files
real = image_files.stored_bytes
def kill(file, **options):
  if file.name.endswith("2.png"):
    os.kill(os.getpid(), 9)
  return real(file, **options)
image_files.stored_bytes = kill
datasets.load("image_folder", root=sys.argv[1], data_dir=sys.argv[2])
"""


def test_killed_preparation_is_not_taken_for_complete(root, store):
  write(root / "1.png")
  write(root / "2.png")
  command = [sys.executable, "-c", KILLED, str(root), str(store)]
  done = subprocess.run(command, capture_output=True, check=False)
  assert done.returncode == -9, done.stderr
  assert list(store.rglob("incomplete.*"))
  assert list(store.rglob("unfinished.*"))
  assert len(load(root, store).images) == 2
  assert not list(store.rglob("incomplete.*"))
  assert not list(store.rglob("unfinished.*"))


def test_two_at_the_same_time_end_with_one_set(root, store):
  for i in range(20):
    write(root / f"{i}.png", pattern(50, 50, i))
  barrier = threading.Barrier(2)

  def go(_):
    barrier.wait()
    return load(root, store).fingerprint

  with futures.ThreadPoolExecutor(2) as pool:
    fingerprints = list(pool.map(go, range(2)))
  assert len(set(fingerprints)) == 1
  assert len(prepared_dirs(store)) == 1
  assert len(load(root, store).images) == 20


def test_a_part_in_many_files(root, store, monkeypatch):
  monkeypatch.setattr("dsth_jax.datasets.tfds_builder._MIN_RECORDS_A_FILE", 4)
  for i in range(11):
    write(root / f"{i:02}.png", pattern(5, 5, i))
  for i in (4, 5, 6, 7):  # one of TFDS's files stays empty
    (root / f"{i:02}.png").write_text("broken")
  dataset = load(root, store)
  assert len(list(store.rglob("*.array_record-*-of-00003"))) == 3
  assert len(dataset.skipped) == 4
  for name, image in zip(dataset.names, dataset.images):
    np.testing.assert_array_equal(image, pattern(5, 5, int(name[:2])))


def test_no_readable_image(root, store):
  (root / "a.jpg").write_text("x")
  (root / "b.jpg").write_text("x")
  with pytest.raises(ValueError, match=r"none of the 2 images.*a\.jpg: is not"):
    load(root, store)
  assert prepared_dirs(store) == []


def test_data_dir_that_cannot_be_written(root, tmp_path):
  write(root / "x.png")
  (tmp_path / "file").touch()
  with pytest.raises(ValueError, match=r"Not a directory.*pass a data_dir"):
    load(root, tmp_path / "file" / "store")
