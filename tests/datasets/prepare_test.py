"""Preparing sets of TFDS's catalogue."""

import pathlib
import subprocess
import sys

import pytest
from absl import app, flags
from absl.testing import flagsaver
from support import fake_photos

from dsth_jax import datasets
from dsth_jax.datasets import prepare

# Registers the set with TFDS.
NAME = fake_photos.FakePhotos.name


def test_prepare_makes_what_load_reads(store, monkeypatch):
  # Unlike those of the catalogue, this set needs no TensorFlow.
  monkeypatch.setattr(prepare, "_has_tensorflow", lambda: True)
  location = prepare.prepare(NAME, str(store))
  assert pathlib.Path(location) == store / "fake_photos" / "1.2.3"
  assert len(datasets.load(NAME, data_dir=str(store)).images) == 13


def run_prepare(name, *arguments):
  if not flags.FLAGS.is_parsed():
    flags.FLAGS(["tests"])
  with flagsaver.flagsaver(name=name):
    prepare.main(["prepare", *arguments])


def test_prepare_refuses_a_stray_argument():
  with pytest.raises(app.UsageError, match="unknown argument stray"):
    run_prepare("cifar10", "stray")


def test_prepare_refuses_an_unknown_set():
  with pytest.raises(app.UsageError, match="'nosuchset' is unknown"):
    run_prepare("nosuchset")


def test_prepare_needs_tensorflow(monkeypatch):
  monkeypatch.setattr(prepare, "_has_tensorflow", lambda: False)
  with pytest.raises(app.UsageError, match="needs TensorFlow, which is not"):
    run_prepare("cifar10")


def test_prepare_is_a_command():
  command = [sys.executable, "-m", "dsth_jax.datasets.prepare"]
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  assert done.returncode != 0
  assert "--name is missing" in done.stdout + done.stderr
