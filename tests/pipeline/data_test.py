"""What the log of a run has about its images."""

import re

import pytest
from absl import logging
from support import folders

from dsth_jax import config as config_lib
from dsth_jax.pipeline import data, workdir


@pytest.fixture
def root(tmp_path):
  root = tmp_path / "photos"
  for i in range(6):
    kind = "cat" if i % 3 else "dog"
    folders.write(root / f"{kind}/{i}.png", folders.pattern(5, 5, i))
  return root


@pytest.fixture
def log(caplog):
  before = logging.get_verbosity()
  logging.set_verbosity(logging.INFO)
  yield caplog
  logging.set_verbosity(before)


def load(root, tmp_path):
  config = config_lib.base_config()
  config.data.name, config.data.root = "image_folder", str(root)
  config.data.data_dir = str(tmp_path / "data")
  config.data.num_queries = 1
  return data.load(workdir.Workdir(tmp_path / "run"), config)


def test_the_account_and_the_classes_are_said(root, tmp_path, log):
  (root / "cat/torn.jpg").write_text("no image")
  (root / "notes.txt").touch()
  found = load(root, tmp_path)
  account = (
    "8 files found: 6 images read, 1 skipped (is not an image: 1), 1 not an "
    "image (.txt: 1)"
  )
  assert account in log.text
  assert "2 classes: cat 4, dog 2" in log.text
  head, line = (tmp_path / "run/skipped.txt").read_text().splitlines()
  assert head == f"# {account}"
  assert re.fullmatch(r"cat/torn\.jpg\tis not an image: .*", line)
  assert data.count(found.dataset).found == 8


def test_many_classes_have_a_short_form(root, tmp_path):
  for i in range(20):
    folders.write(root / f"kind{i:02}/x.png")
  text = data.class_sizes(folders.load(root, tmp_path / "data"))
  assert text.startswith("22 classes: cat 4, dog 2, kind00 1, ")
  assert text.endswith("kind09 1, and 10 more")


def test_a_source_of_images_only_has_an_account_too(root, tmp_path):
  dataset = load(root, tmp_path).dataset._replace(account=None)
  assert data.count(dataset) == (6, 6, {}, {})


def test_images_without_labels(tmp_path):
  for i in range(3):
    folders.write(tmp_path / f"photos/{i}.png")
  dataset = load(tmp_path / "photos", tmp_path).dataset
  assert data.class_sizes(dataset) == "no class names"
