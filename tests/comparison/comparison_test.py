"""A comparison on the digits: its figures, resuming, and methods that fail."""

import json
import shutil

import numpy as np
import pytest

from dsth_jax import codes, comparison, metrics
from dsth_jax import config as config_lib
from dsth_jax.baselines import BASELINES, Baseline, itq, lsh
from dsth_jax.ground_truth import GroundTruth
from dsth_jax.pipeline import methods
from dsth_jax.pipeline.seeds import stage_key

# The pictures have tests of their own.
pytestmark = pytest.mark.usefixtures("undrawn")

METHODS = {"lsh": lsh.fit, "itq": itq.fit}


def _config(data_dir):
  config = config_lib.base_config()
  config.data.data_dir = str(data_dir)
  config.compare.methods = tuple(METHODS)
  config.compare.num_bits = (8, 16)
  config.compare.seeds = (0, 1)
  return config


@pytest.fixture(scope="module")
def finished(data_dir, tmp_path_factory):
  workdir = tmp_path_factory.mktemp("comparison")
  return workdir, comparison.run(_config(data_dir), workdir)


@pytest.fixture
def measured(monkeypatch):
  """The cells that are measured from here on, as (method, bits, seed)."""
  cells, fitting = [], methods.fitting

  def counted(config, inputs, method):
    cells.append((method, config.num_bits, config.seed))
    return fitting(config, inputs, method)

  monkeypatch.setattr(methods, "fitting", counted)
  return cells


def _points(workdir):
  """Returns centered features, labels and splits, as the run left them."""
  splits = {
    path.stem: np.load(path) for path in (workdir / "splits").glob("*.npy")
  }
  rows = np.load(workdir / "features" / "pixels" / "features.npy")
  mean = rows[splits["training"]].mean(0, dtype=np.float64)
  return (rows - mean.astype(np.float32)), splits


def _digits_labels():
  from sklearn.datasets import load_digits

  return load_digits().target


def _cell(workdir, method, num_bits, seed):
  cell = workdir / "cells" / f"{method}-{num_bits}-{seed}"
  return json.loads((cell / "outcome.json").read_text())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("num_bits", [8, 16])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_cell_is_the_method_judged_by_hand(finished, method, num_bits, seed):
  workdir, _ = finished
  points, splits = _points(workdir)
  encoder = METHODS[method](
    points[splits["training"]], num_bits=num_bits, key=stage_key(seed, method)
  )
  labels = _digits_labels()
  query, database = (
    np.asarray(codes.pack(encoder.encode(points[splits[part]])))
    for part in ("query", "database")
  )
  found = _cell(workdir, method, num_bits, seed)
  assert found["metrics"] == metrics.evaluate(
    query,
    database,
    GroundTruth.from_labels(
      labels[splits["query"]], labels[splits["database"]]
    ),
    num_bits=num_bits,
  )
  assert found["statistics"] == metrics.code_statistics(
    database, num_bits=num_bits
  )
  assert found["fit_seconds"] > 0 < found["encode_seconds"]


def test_the_ceiling_is_the_cosine_of_the_features(finished):
  workdir, results = finished
  points, splits = _points(workdir)
  labels = _digits_labels()
  assert results["ceiling"] == metrics.evaluate_features(
    points[splits["query"]],
    points[splits["database"]],
    GroundTruth.from_labels(
      labels[splits["query"]], labels[splits["database"]]
    ),
  )


def test_mean_and_spread_are_numpys(finished):
  workdir, results = finished
  for method in METHODS:
    for num_bits in (8, 16):
      cells = [_cell(workdir, method, num_bits, seed) for seed in (0, 1)]
      found = results["methods"][method][str(num_bits)]
      assert found["seeds"] == [0, 1]
      for name in cells[0]["metrics"]:
        values = [cell["metrics"][name] for cell in cells]
        np.testing.assert_allclose(
          found["mean"][name], np.mean(values, axis=0), rtol=1e-12
        )
        if name not in ("recall_levels", "returned_images"):
          spread = np.std(values, axis=0, ddof=1)
          np.testing.assert_allclose(found["spread"][name], spread, rtol=1e-12)
      for name in ("fit_seconds", "encode_seconds"):
        values = [cell[name] for cell in cells]
        assert found["mean"][name] == pytest.approx(np.mean(values))
        assert found["spread"][name] == pytest.approx(np.std(values, ddof=1))


def test_the_file_holds_the_results(finished):
  workdir, results = finished
  written = json.loads((workdir / "comparison.json").read_text())
  assert written == json.loads(json.dumps(results))


def test_a_single_seed_has_no_spread(finished, data_dir, measured):
  workdir, first = finished
  config = _config(data_dir)
  config.compare.seeds = (1,)
  found = comparison.run(config, workdir)["methods"]["lsh"]["16"]
  assert not measured
  assert (
    found["mean"]["nc3p"] == _cell(workdir, "lsh", 16, 1)["metrics"]["nc3p"]
  )
  assert found["mean"]["nc3p"] != first["methods"]["lsh"]["16"]["mean"]["nc3p"]
  assert found["spread"]["nc3p"] is None
  assert "take 3 or more" in (workdir / "report" / "comparison.md").read_text()


def test_a_second_call_measures_nothing(finished, data_dir, measured):
  workdir, first = finished
  again = comparison.run(_config(data_dir), workdir)
  assert not measured
  assert again["methods"] == first["methods"]


@pytest.mark.parametrize(
  ("section", "field", "value", "changed"),
  [
    ("compare", "seeds", (0, 1, 2), None),
    ("baselines", "itq", {"num_iters": 3}, {"itq"}),
    ("eval", "max_rank", 10, {"lsh", "itq"}),
    ("compare", "num_queries", 50, {"lsh", "itq"}),
    ("features", "center", False, {"lsh", "itq"}),
    ("train", "num_epochs", 9, set()),
  ],
)
def test_a_changed_setting_measures_what_depends_on_it(
  finished, data_dir, tmp_path, measured, section, field, value, changed
):
  workdir = shutil.copytree(finished[0], tmp_path / "copy")
  config = _config(data_dir)
  if isinstance(value, dict):
    config[section][field].update(value)
  else:
    config[section][field] = value
  comparison.run(config, workdir)
  if changed is None:
    assert {seed for *_, seed in measured} == {2}
    assert len(measured) == 4
  else:
    assert {method for method, *_ in measured} == changed
    assert len(measured) == 4 * len(changed)


def test_a_changed_method_is_measured_again(
  finished, data_dir, tmp_path, measured, monkeypatch
):
  workdir = shutil.copytree(finished[0], tmp_path / "copy")
  monkeypatch.setitem(BASELINES, "lsh", Baseline(_lsh_of_another_file))
  comparison.run(_config(data_dir), workdir)
  assert {method for method, *_ in measured} == {"lsh"}


def _lsh_of_another_file(features, labels=None, *, num_bits, key):
  return lsh.fit(features, labels, num_bits=num_bits, key=key)


def _fails_at_16_bits(features, labels=None, *, num_bits, key):
  if num_bits == 16:
    raise RuntimeError("no room\nfor 16 bits")
  return lsh.fit(features, labels, num_bits=num_bits, key=key)


def test_a_method_that_fails_is_reported_and_the_others_go_on(
  finished, data_dir, tmp_path, monkeypatch, measured
):
  _, expected = finished
  monkeypatch.setitem(BASELINES, "broken", Baseline(_fails_at_16_bits))
  config = _config(data_dir)
  config.compare.methods = ("broken", *METHODS)
  results = comparison.run(config, tmp_path)
  sentence = "RuntimeError: no room for 16 bits"
  assert results["failed"] == [
    {"method": "broken", "num_bits": 16, "seed": seed, "error": sentence}
    for seed in (0, 1)
  ]
  assert not (tmp_path / "cells" / "broken-16-1").exists()
  for method in METHODS:
    for num_bits in ("8", "16"):
      found = results["methods"][method][num_bits]["mean"]
      wanted = expected["methods"][method][num_bits]["mean"]
      assert found["precision_at_recall"] == wanted["precision_at_recall"]
  assert len(results["methods"]["broken"]["8"]["seeds"]) == 2
  with pytest.raises(ValueError, match=r"2 of the cells failed, .*no room"):
    comparison.refuse_failures(results)
  for name in ("comparison.md", "index.html"):
    text = (tmp_path / "report" / name).read_text()
    assert f"failed at 16 bits with seeds 0 and 1: {sentence}" in text
  # The next call tries only the failed cells.
  measured.clear()
  comparison.run(config, tmp_path)
  assert measured == [("broken", 16, 0), ("broken", 16, 1)]


def test_only_failures_are_refused(finished):
  _, results = finished
  assert results["failed"] == []
  comparison.refuse_failures(results)
  failed = {"method": "lsh", "num_bits": 8, "seed": 0, "error": "No room."}
  with pytest.raises(ValueError, match=r"first lsh-8-0: No room\. The fig"):
    comparison.refuse_failures({**results, "failed": [failed]})


def test_fewer_queries_are_drawn_from_the_protocols(data_dir, tmp_path):
  config = _config(data_dir)
  config.compare.methods, config.compare.num_bits = ("lsh",), (8,)
  config.compare.num_queries = 50
  results = comparison.run(config, tmp_path)
  assert results["summary"]["num_queries"] == 50
  assert results["ceiling"]["num_queries"] == 50
  assert results["summary"]["num_database"] == 1497
