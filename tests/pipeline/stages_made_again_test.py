"""A changed module makes exactly the stages behind it again."""

import shutil

import pytest

from dsth_jax import config as config_lib
from dsth_jax import pipeline
from dsth_jax.runtime import lineage

pytestmark = pytest.mark.usefixtures("undrawn")

AFTER_LABELS = {"training", "codes", "hash_function", "evaluation"}
AFTER_GRAPH = {"embedding", "labels", *AFTER_LABELS}
# A module, and the stages whose results follow from it.
BEHIND = {
  "report/page.py": set(),
  "cli/command.py": set(),
  "baselines/sph.py": set(),
  "baselines/itq.py": {"evaluation"},
  "hamming/pairwise_distances.py": {"evaluation"},
  "train/fine_tuning.py": set(),
  "train/optimization.py": AFTER_LABELS,
  "models/hash_models/heads.py": AFTER_LABELS,
  "codes.py": {"labels", *AFTER_LABELS},
  "graph/knn.py": {"graph", *AFTER_GRAPH},
  "models/backbones/pixels.py": {"features/pixels", "graph", *AFTER_GRAPH},
  "datasets/protocols/by_part.py": {"splits", "graph", *AFTER_GRAPH},
}


def _forget_sources():
  for cached in (lineage.sources, lineage._source, lineage._path):
    cached.cache_clear()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
  """A copy of the package, whose source counts in place of the real one."""
  copy = tmp_path_factory.mktemp("copy") / "dsth_jax"
  shutil.copytree(lineage.ROOT, copy)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(lineage, "ROOT", copy)
    _forget_sources()
    yield copy
  _forget_sources()


@pytest.fixture(scope="module")
def run(package, tmp_path_factory):
  """Returns the stages that a run of the digits makes again."""
  directory = tmp_path_factory.mktemp("lineage")
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.data.data_dir = str(directory / "data")
  config.num_bits = 16
  config.train.num_epochs = 1
  config.eval.num_training_queries = 10

  def run():
    _forget_sources()
    stages = pipeline.run(config, directory / "run")["stages"]
    made = {name for name, stage in stages.items() if not stage["reused"]}
    return made - {"data"}

  run()
  return run


def _append(package, name, line):
  with open(package / name, "a", encoding="utf-8") as file:
    file.write(line)


def test_comments_and_docstrings_make_nothing_again(package, run):
  for name in BEHIND:
    _append(package, name, "\n# Another word.\n")
  assert run() == set()


@pytest.mark.parametrize("name", BEHIND)
def test_a_changed_module_makes_what_is_behind_it_again(package, run, name):
  _append(package, name, "\nANOTHER_CONSTANT = 1\n")
  assert run() == BEHIND[name]
