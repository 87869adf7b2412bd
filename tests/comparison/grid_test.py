"""Variants of a comparison on the digits: shared stages, failures, resuming."""

import json
import shutil

import pytest
from support import commands

from dsth_jax import comparison
from dsth_jax import config as config_lib
from dsth_jax.comparison import grid
from dsth_jax.pipeline import methods, training

# The pictures have tests of their own.
pytestmark = pytest.mark.usefixtures("undrawn")

VARIANTS = {
  "recommended": {},
  "same": {"graph.num_neighbors": 12},
  "eigenvectors": {"labels.method": "eigenvectors"},
  "mutual": {"graph.symmetrize": "mutual"},
  "few": {"graph.num_neighbors": 5},
  "raw": {"features.center": False},
  "small": {
    "features.image_size": 4,
    "compare.methods": ("dsth", "lsh", "broken"),
  },
  "refused": {"graph.num_neighbors": 2000},
}


def _config(data_dir):
  """A head of one epoch: what is tested is the way, not the network."""
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.data.data_dir = str(data_dir)
  config.train.num_epochs = 1
  config.data.num_queries = 1597
  config.compare.methods = ("dsth",)
  config.compare.num_bits = (8,)
  config.compare.seeds = (0,)
  config.compare.variants = VARIANTS
  return config


def _broken(features, labels=None, *, num_bits, key):
  raise RuntimeError("no room")


@pytest.fixture(scope="module", autouse=True)
def broken_method():
  with pytest.MonkeyPatch.context() as patch:
    baseline = config_lib.methods.baselines.Baseline(_broken)
    patch.setitem(config_lib.methods.baselines.BASELINES, "broken", baseline)
    patch.setattr(
      config_lib.methods, "METHODS", (*config_lib.METHODS, "broken")
    )
    yield


@pytest.fixture(scope="module")
def finished(data_dir, tmp_path_factory):
  workdir = tmp_path_factory.mktemp("variants")
  return workdir, comparison.run(_config(data_dir), workdir)


@pytest.fixture
def made(monkeypatch):
  """What is trained or fitted from here on, as (method, bits)."""
  found = []

  def counted(module, name):
    function = getattr(module, name)

    def call(*arguments, **others):
      found.append(name)
      return function(*arguments, **others)

    monkeypatch.setattr(module, name, call)

  counted(training, "_train")
  counted(methods, "fitting")
  return found


def _artifacts(workdir, name):
  """Returns the folders of all artifacts of a stage."""
  return sorted(
    str(path.parent.relative_to(workdir))
    for path in workdir.glob("**/fingerprint.json")
    if path.parent.name == name
  )


def test_each_stage_is_made_once_for_all_that_it_depends_on(finished):
  workdir, _ = finished
  small = "backbones/pixels-image_size=4"
  raw = "features-center=False"
  assert _artifacts(workdir, "pixels") == [
    f"{small}/features/pixels",
    "features/pixels",
  ]
  assert _artifacts(workdir, "graph") == [
    f"{small}/graph",
    f"{raw}/graph",
    "graph",
    "graph-num_neighbors=5/graph",
  ]
  embedded = ["dsth/8-0", "dsth/8-0-symmetrize=mutual"]
  assert _artifacts(workdir, "embedding") == sorted(
    f"{place}/embedding"
    for place in [
      *embedded,
      *(f"{each}/dsth/8-0" for each in (small, raw, "graph-num_neighbors=5")),
    ]
  )
  # Of the variants that are neither equal nor refused.
  trained = _artifacts(workdir, "training")
  assert len(trained) == len(VARIANTS) - 2
  assert "dsth/8-0/dsth-labels.method=eigenvectors/training" in trained


def test_variants_with_equal_settings_have_equal_figures(finished):
  variants = finished[1]["variants"]
  first, second = (
    variants[name]["methods"]["dsth"]["8"]["mean"]
    for name in ("recommended", "same")
  )
  assert first["precision_at_recall"] == second["precision_at_recall"]
  other = variants["few"]["methods"]["dsth"]["8"]["mean"]
  assert first["precision_at_recall"] != other["precision_at_recall"]


def test_a_variant_is_what_a_comparison_with_its_settings_is(
  finished, data_dir, tmp_path
):
  config = _config(data_dir)
  config.compare.variants = {}
  config.features.image_size = 4
  config.compare.methods = ("lsh",)
  expected = comparison.run(config, tmp_path)
  found = finished[1]["variants"]["small"]
  assert found["ceiling"] == expected["ceiling"]
  lsh = found["methods"]["lsh"]["8"]["mean"]
  wanted = expected["methods"]["lsh"]["8"]["mean"]
  assert lsh["precision_at_recall"] == wanted["precision_at_recall"]


def test_the_file_tells_variants_apart(finished):
  workdir, results = finished
  written = json.loads((workdir / "comparison.json").read_text())
  assert written == json.loads(json.dumps(results))
  assert list(written["variants"]) == list(VARIANTS)
  few = written["variants"]["few"]
  assert few["settings"] == VARIANTS["few"]
  assert few["backbone"] == "pixels"
  assert few["about"]["dsth"]["learned_from"] == ["features"]
  assert few["ceiling"] == written["variants"]["recommended"]["ceiling"]
  assert few["ceiling"] != written["variants"]["raw"]["ceiling"]


def test_failures_leave_the_others(finished):
  workdir, results = finished
  failed = {
    (cell["variant"], cell["method"]): cell["error"]
    for cell in results["failed"]
  }
  assert set(failed) == {("refused", "dsth"), ("small", "broken")}
  assert "2,001 for graph.num_neighbors=2000" in failed["refused", "dsth"]
  assert failed["small", "broken"] == "RuntimeError: no room"
  with pytest.raises(ValueError, match="2 of the cells failed, first refused/"):
    comparison.refuse_failures(results)
  text = (workdir / "report" / "comparison.md").read_text()
  assert "small, broken failed at 8 bits with seed 0" in text
  for name in ("recommended", "small, DSTH", "small, LSH"):
    assert name in text


def test_a_second_call_makes_what_is_missing(finished, data_dir, made):
  workdir, first = finished
  again = comparison.run(_config(data_dir), workdir)
  assert made == ["fitting"]  # Of the broken method.
  assert again["variants"] == first["variants"]


def test_a_changed_variant_shares_what_it_can(
  finished, data_dir, tmp_path, made
):
  workdir = shutil.copytree(finished[0], tmp_path / "copy")
  config = _config(data_dir)
  config.compare.variants = {
    "recommended": VARIANTS["recommended"],
    "few": {**VARIANTS["few"], "labels.method": "eigenvectors"},
  }
  comparison.run(config, workdir)
  assert made == ["_train"]
  assert len(_artifacts(workdir, "embedding")) == 5


def test_a_cell_of_a_newer_version_is_refused_and_leaves_the_others(
  finished, data_dir, tmp_path
):
  workdir = shutil.copytree(finished[0], tmp_path / "copy")
  record = workdir / "variants" / "few" / "dsth-8-0" / "fingerprint.json"
  stored = json.loads(record.read_text())
  # A record without a checksum is what older and newer versions may have.
  del stored["checksum"]
  record.write_text(json.dumps({**stored, "format": stored["format"] + 1}))
  newer = record.read_bytes()
  found = comparison.run(_config(data_dir), workdir)
  errors = {cell["variant"]: cell["error"] for cell in found["failed"]}
  assert set(errors) == {"few", "refused", "small"}
  assert "newer version of dsth_jax" in errors["few"]
  assert record.read_bytes() == newer
  mutual = finished[1]["variants"]["mutual"]
  assert found["variants"]["mutual"] == mutual


def test_the_time_left_is_that_of_the_cells_before():
  assert grid._time_left({}, ["dsth"] * 5) == ""
  seconds = {"dsth": [200.0, 400.0]}
  assert grid._time_left(seconds, ["dsth"] * 8) == ", about 40 minutes left"
  # A method counts with its own time, and a new one with the usual.
  seconds["lsh"] = [100.0]
  left = ["lsh"] * 6 + ["dsth"] * 2 + ["itq"] * 3
  assert grid._time_left(seconds, left) == ", about 30 minutes left"


@pytest.mark.slow
def test_the_ablations_of_the_digits_run(data_dir, tmp_path):
  result = commands.run(
    "dsth_jax.compare",
    "--config=configs/ablations_digits.py",
    "--config.compare.seeds=(0,)",
    "--config.train.num_epochs=1",
    f"--config.data.data_dir={data_dir}",
    f"--workdir={tmp_path}/compared",
  )
  assert result.returncode == 0, result.stderr
  assert "Cell 9 of 9" in result.stderr
