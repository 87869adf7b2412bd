"""The whole line on the digits: artifacts, reuse, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from dsth_jax import codes, feature_transforms, graph, hamming, pipeline
from dsth_jax import config as config_lib
from dsth_jax.pipeline import feature_extraction

ARTIFACTS = (
  *("splits", "features/pixels", "graph", "embedding", "labels", "pixels"),
  *("training", "codes", "hash_function", "evaluation"),
)


def _config(data_dir):
  """One short epoch: what is judged here is the line, not the network."""
  config = config_lib.base_config()
  config.data.data_dir = str(data_dir)
  config.num_bits = 16
  config.train.num_epochs = 1
  config.train.checkpoint_seconds = 0
  config.train.log_every = 5
  config.eval.num_training_queries = 100
  return config


@pytest.fixture(scope="module")
def finished(data_dir, tmp_path_factory):
  workdir = tmp_path_factory.mktemp("run")
  return workdir, pipeline.run(_config(data_dir), workdir)


def test_every_artifact_of_a_run_is_there(finished):
  workdir, results = finished
  names = {path.name for path in workdir.iterdir()}
  assert names >= {
    *(name.split("/")[0] for name in ARTIFACTS),
    "checkpoints",
    "logs",
    "config.json",
    "environment.json",
    "metrics.json",
    "report",
    "skipped.txt",
  }
  assert not list(workdir.rglob("*.partial"))
  assert (workdir / "report" / "index.html").stat().st_size > 10_000
  assert json.loads((workdir / "metrics.json").read_text()) == json.loads(
    json.dumps(results)
  )


def test_hash_labels_retrieve_better_than_their_features(finished):
  _, results = finished
  training = results["training"]
  # 0.62 of the cosine; 16 bits of the diffusion rotation have 0.83.
  assert (
    training["labels"]["mean_average_precision"]
    > training["cosine"]["mean_average_precision"] + 0.1
  )


def test_written_codes_search_as_the_metrics_say(finished):
  workdir, results = finished
  packed = np.load(workdir / "codes" / "packed.npy")
  names = (workdir / "codes" / "names.txt").read_text().splitlines()
  assert len(packed) == len(names) == results["summary"]["num_images"]
  query = np.load(workdir / "splits" / "query.npy")
  database = np.load(workdir / "splits" / "database.npy")
  assert not set(query) & set(database)
  found = hamming.search(packed[query], packed[database], num_results=1)
  nearest = hamming.distances(packed[query], packed[database]).min(axis=1)
  np.testing.assert_array_equal(found.distances[:, 0], nearest)
  bits = codes.unpack(packed, 16)
  assert results["statistics"]["dsth"]["num_distinct_codes"] == len(
    np.unique(bits, axis=0)
  )


def test_a_second_run_reuses_every_stage(finished, data_dir, monkeypatch):
  workdir, first = finished

  def refuse(*_):
    raise AssertionError("features were read for a stage that is reused")

  monkeypatch.setattr(feature_transforms, "fit_transform", refuse)
  monkeypatch.setattr(feature_extraction.Features, "points", property(refuse))
  packed = (workdir / "codes" / "packed.npy").read_bytes()
  second = pipeline.run(_config(data_dir), workdir)
  reused = {name for name, stage in second["stages"].items() if stage["reused"]}
  assert reused == set(ARTIFACTS)
  assert (workdir / "codes" / "packed.npy").read_bytes() == packed
  assert second["held_out"] == first["held_out"]


def test_a_changed_setting_makes_only_what_depends_on_it_again(
  finished, data_dir
):
  workdir, _ = finished
  config = _config(data_dir)
  config.encode.threshold = "median"
  results = pipeline.run(config, workdir)
  redone = {
    name for name, stage in results["stages"].items() if not stage["reused"]
  }
  assert redone == {"data", "codes", "hash_function", "evaluation"}


@pytest.mark.slow
def test_a_file_of_features_takes_the_place_of_the_backbone(
  finished, data_dir, tmp_path
):
  workdir, _ = finished
  config = _config(data_dir)
  config.features.file = str(workdir / "features" / "pixels" / "features.npy")
  pipeline.run(config, tmp_path)
  same = [np.load(run / "graph" / "indices.npy") for run in (workdir, tmp_path)]
  np.testing.assert_array_equal(*same)
  assert not (tmp_path / "features").exists()


def test_an_approximate_graph_gives_codes_and_says_its_recall(
  data_dir, tmp_path, monkeypatch
):
  def all_but_the_nearest(points, *, num_neighbors, key):
    del key
    found = graph.cosine_knn(points, num_neighbors=num_neighbors + 1)
    return graph.Neighbors(*(part[:, 1:] for part in found))

  monkeypatch.setattr(graph, "approximate_cosine_knn", all_but_the_nearest)
  config = config_lib.use_frozen_backbone(_config(data_dir))
  config.train.num_epochs = 1
  config.graph.search = "approximate"
  results = pipeline.run(config, tmp_path)
  assert results["graph"]["recall"] == pytest.approx(11 / 12)
  # As of the exact graph, 0.2 above the cosine.
  training = results["training"]
  assert (
    training["labels"]["mean_average_precision"]
    > training["cosine"]["mean_average_precision"] + 0.1
  )


@pytest.mark.parametrize(
  ("field", "value", "sentence"),
  [
    ("data.num_queries", 1790, "are 1,797 images, but .* need at least 1,807"),
    ("train.batch_size", 1600, "1,600 for train.batch_size=1600"),
    ("spectral.max_iters", 1, "eigensolver stopped after 1 iterations"),
    ("data.protocol", "official", "holdout"),
  ],
)
def test_what_the_data_cannot_bear_is_refused(
  data_dir, tmp_path, field, value, sentence
):
  config = _config(data_dir)
  config.spectral.solver = "chebyshev"
  section, name = field.split(".")
  config[section][name] = value
  with pytest.raises(ValueError, match=sentence):
    pipeline.run(config, tmp_path)
  assert not (tmp_path / "embedding").exists()


def test_features_with_nan_name_the_row(data_dir, tmp_path):
  rows = np.ones((1797, 4), np.float32)
  rows[41, 2] = np.nan
  np.save(tmp_path / "features.npy", rows)
  config = _config(data_dir)
  config.features.file = str(tmp_path / "features.npy")
  with pytest.raises(ValueError, match="row 41"):
    pipeline.run(config, tmp_path / "run")


def _folder_config(tmp_path, images):
  folder = tmp_path / "photos"
  folder.mkdir(parents=True)
  for number, image in enumerate(images):
    Image.fromarray(image).save(folder / f"{number}.png")
  config = _config(tmp_path / "data")
  config.data.name = "image_folder"
  config.data.root = str(tmp_path / "photos")
  config.data.num_queries = 10
  return config


def _noise(count):
  rng = np.random.default_rng(0)
  return rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def _constant_images(count):
  return [np.full((32, 32, 3), i % 5 * 50, np.uint8) for i in range(count)]


@pytest.mark.parametrize(
  ("images", "num_distinct"),
  [(np.repeat(_noise(1), 120, axis=0), 1), (_constant_images(120), 5)],
  ids=["duplicates", "constant"],
)
def test_the_same_few_images_again_are_refused(tmp_path, images, num_distinct):
  config = _folder_config(tmp_path, images)
  message = f"110 training images have only {num_distinct} different features"
  with pytest.raises(ValueError, match=message):
    pipeline.run(config, tmp_path / "run")
