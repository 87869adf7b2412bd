"""The whole line on every published set, from a tiny archive."""

import pytest
from support import published_sets

from dsth_jax import config as config_lib
from dsth_jax import pipeline
from dsth_jax.datasets import cifar, flickr_logos, stl10

pytestmark = pytest.mark.usefixtures("undrawn")


def _config(root, name):
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.num_bits = 8
  config.data.name = name
  config.data.root = str(root)
  config.data.data_dir = str(root / "prepared")
  config.data.protocol = "official"
  config.data.num_queries = 0
  config.graph.num_neighbors = 5
  config.train.num_epochs = 1
  config.train.batch_size = 32
  config.eval.baselines = ()
  return config


@pytest.fixture
def archives(tmp_path, monkeypatch):
  """A folder with a tiny archive of every set, and `load` expects these."""
  for attribute in ("CIFAR10", "CIFAR100"):
    tiny = published_sets.write_cifar(tmp_path, getattr(cifar, attribute))
    monkeypatch.setattr(cifar, attribute, tiny)
  monkeypatch.setattr(stl10, "STL10", published_sets.write_stl10(tmp_path))
  monkeypatch.setattr(
    flickr_logos,
    "FLICKR_LOGOS_32",
    published_sets.write_flickr_logos(tmp_path),
  )
  return tmp_path


@pytest.mark.parametrize(
  "name",
  ["cifar10", "cifar100_coarse", "cifar100_fine", "stl10", "flickr_logos32"],
)
def test_a_run_on_every_set(archives, name):
  results = pipeline.run(_config(archives, name), archives / "run")
  summary = results["summary"]
  assert summary["dataset"] == name
  assert summary["num_queries"] == 16
  assert summary["num_database"] == summary["num_training"] == 64
  # Images of a class have one color; a coarse class has two of them.
  quality = {
    method: results["held_out"][method]["mean_average_precision"]
    for method in ("cosine", "dsth")
  }
  least = 0.6 if name == "cifar100_coarse" else 0.9
  assert quality["cosine"] > least
  assert quality["dsth"] > least / 2


def test_unlabelled_images_and_a_part_of_the_others(archives):
  config = _config(archives, "stl10")
  config.data.unlabelled = True
  config.data.num_training = 40
  summary = pipeline.run(config, archives / "run")["summary"]
  assert summary["num_database"] == 40
  assert summary["num_training"] == 40 + 24
  assert summary["num_images"] == 40 + 24 + 16


def test_other_labels_of_the_same_images_share_their_features(archives):
  workdir = archives / "run"
  fine = pipeline.run(_config(archives, "cifar100_fine"), workdir)
  described = (workdir / "features" / "pixels" / "features.npy").stat()
  coarse = pipeline.run(_config(archives, "cifar100_coarse"), workdir)
  after = (workdir / "features" / "pixels" / "features.npy").stat()
  assert described.st_mtime_ns == after.st_mtime_ns
  assert fine["held_out"] != coarse["held_out"]
