"""Folders as people have them, from the first image to a search."""

import json
import os

import numpy as np
import pytest
from PIL import Image
from support import folders

import dsth_jax
from dsth_jax import config as config_lib
from dsth_jax import pipeline

ODD = ("two\nlines", "next\x85", "para\u2029", "narrow\u202fspace", "caf\udce9")


def photographs(root, count):
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.data.name, config.data.root = "image_folder", str(root)
  config.data.adaptable = ("train.batch_size",)
  config.train.num_epochs = 2
  config.eval.baselines = ()
  rng = np.random.default_rng(0)
  for number in range(count):
    name = ODD[number] if number < len(ODD) else f"item {number}"
    pixels = rng.integers(0, 256, (4, 4, 3), np.uint8)
    large = Image.fromarray(pixels).resize((12, 12), Image.Resampling.BICUBIC)
    folders.write(root / name / "cover.png", np.asarray(large))
  return config


def test_an_image_a_folder_with_odd_names_ends_in_codes(tmp_path, caplog):
  root = tmp_path / os.fsdecode(b"caf\xe9")
  config = photographs(root, 40)
  config.data.data_dir = str(tmp_path / "data")
  results = pipeline.run(config, tmp_path / "run")
  assert results["held_out"] is None
  assert results["summary"]["dataset"] == "caf\\xe9"
  assert results["summary"]["num_queries"] == 10
  assert "None of the 10 queries shares a label" in caplog.text
  before, _, _ = caplog.text.partition("training: ...")
  assert "None of the 10 queries shares a label" in before
  names = dsth_jax.read_names(tmp_path / "run" / "codes" / "names.txt")
  assert len(names) == 40
  paths = [root / name for name in names]
  answers = dsth_jax.open_run(tmp_path / "run").search(paths[:9])
  for name, answer in zip(names, answers):
    assert name in [match.name for match in answer.matches]
    assert answer.matches[0].distance == 0
  settings = json.loads((tmp_path / "run" / "config.json").read_text())
  assert settings["data"]["root"] == str(root)


@pytest.mark.slow
def test_few_photographs_have_all_that_they_allow(tmp_path, caplog):
  config = photographs(tmp_path / "photos", 13)
  config.data.data_dir = str(tmp_path / "data")
  results = pipeline.run(config, tmp_path / "run")
  # The eight devices of the tests need eight images in a batch.
  assert results["summary"]["num_queries"] == 3
  assert results["summary"]["num_bits"] == 8
  assert results["graph"]["num_neighbors"] == 3
  assert caplog.text.count("There are few images") == 1
