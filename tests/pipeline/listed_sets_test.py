"""The whole line where lists say what is relevant: Oxford and Holidays."""

import numpy as np
import pytest
from support import landmark_archives

from dsth_jax import comparison, datasets, pipeline
from dsth_jax import config as config_lib
from dsth_jax.datasets import holidays, oxford

pytestmark = pytest.mark.usefixtures("undrawn")

# Of each set: folder, protocol.
SETS = {
  "oxford105k": ("oxford", "official"),
  "holidays1m": ("holidays", "queries-in-database"),
}


@pytest.fixture
def archives(tmp_path, monkeypatch):
  """Folders with tiny archives, and `load` expects these."""
  landmark_archives.write_oxford(tmp_path / "oxford")
  landmark_archives.write_holidays(tmp_path / "holidays")
  for module, name in ((oxford, "OXFORD_105K"), (holidays, "HOLIDAYS_1M")):
    monkeypatch.setattr(module, name, getattr(landmark_archives, name))
  return tmp_path


def make_config(folder, name):
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.num_bits = 4
  config.data.name = name
  config.data.root = str(folder / SETS[name][0])
  config.data.data_dir = str(folder / "prepared")
  config.data.protocol = SETS[name][1]
  config.data.num_queries = 0
  config.graph.num_neighbors = 3
  config.train.num_epochs = 1
  config.train.batch_size = 8
  config.encode.engine = "jit"
  config.eval.baselines = ()
  return config


def area(names, is_relevant, is_ignored):
  """The published rule over a ranking, by the names of its images."""
  seen = hits = 0
  total, precision, recall = 0.0, 1.0, 0.0
  for name in names:
    if is_ignored(name):
      continue
    seen, hits = seen + 1, hits + is_relevant(name)
    new_recall = hits / sum(map(is_relevant, names))
    total += (new_recall - recall) * (precision + hits / seen) / 2
    precision, recall = hits / seen, new_recall
  return total


def rules(query):
  """What the publishers' rules say of an image, by its name."""
  if not query.startswith("query/"):
    group = query[:4]
    return (
      lambda name: name.startswith(group) and name != query,
      lambda name: name == query,
    )
  landmark = query.removeprefix("query/").rpartition("_")[0]
  number = {f"{landmark}_{i:06}.jpg": i for i in range(10)}
  return (
    lambda name: number.get(name, 9) < 8,
    lambda name: number.get(name, 0) >= 8,
  )


def by_hand(config, folder):
  """The mean over the queries of the area, ranked by the cosine of pixels."""
  dataset = datasets.load(
    config.data.name, root=config.data.root, data_dir=config.data.data_dir
  )
  query, database, training = datasets.PROTOCOLS[config.data.protocol](
    dataset.parts, dataset.ground_truth, num_queries=0, seed=0
  )
  features = np.load(folder / "features" / "pixels" / "features.npy")
  centered = features.astype(np.float64) - features[training].mean(0)
  unit = centered / np.linalg.norm(centered, axis=1, keepdims=True)
  areas = []
  for row in query:
    ranked = database[np.argsort(-(unit[database] @ unit[row]), kind="stable")]
    names = [dataset.names[other] for other in ranked]
    areas.append(area(names, *rules(dataset.names[row])))
  # Features are float32; no cosines are so close that their order is open.
  return pytest.approx(np.mean(areas), rel=1e-6)


def sizes(summary):
  return [
    summary[f"num_{part}"] for part in ("queries", "database", "training")
  ]


def test_a_run_on_oxford(archives):
  config, folder = make_config(archives, "oxford105k"), archives / "run"
  results = pipeline.run(config, folder)
  assert sizes(results["summary"]) == [4, 42, 38]
  assert results["training"] is None
  found = results["held_out"]
  assert found["cosine"]["map_trapezium"] == by_hand(config, folder)
  dsth = found["dsth"]
  assert dsth["num_queries_without_relevant"] == 0
  assert 0 < dsth["map_trapezium"] <= dsth["mean_average_precision"]
  page = (folder / "report" / "index.html").read_text()
  assert "mAP, trapezium" in page
  assert "published list" in page


def test_a_comparison_on_holidays(archives):
  config, folder = make_config(archives, "holidays1m"), archives / "compared"
  config.compare.methods = ("lsh", "dsth")
  config.compare.num_bits = (4,)
  config.compare.seeds = (0,)
  results = comparison.run(config, folder)
  assert not results["failed"]
  assert sizes(results["summary"]) == [6, 38, 32]
  assert results["ceiling"]["map_trapezium"] == by_hand(config, folder)
  for by_bits in results["methods"].values():
    figures = by_bits["4"]["mean"]
    assert 0 < figures["map_trapezium"] <= figures["mean_average_precision"]
  text = (folder / "report" / "comparison.md").read_text()
  assert "Published lists decide" in text


def test_methods_that_learn_from_labels_are_refused(archives):
  config = make_config(archives, "holidays1m")
  config.compare.methods = ("cca_itq",)
  with pytest.raises(
    ValueError, match="class labels, but the images have none"
  ):
    comparison.run(config, archives / "refused")
