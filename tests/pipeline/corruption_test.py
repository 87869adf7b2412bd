"""Whatever happens to a file of a run, the next command ends where it should.

It ends in the same codes and figures, or in one sentence; never in others.
"""

import json
import pathlib
import shutil

import numpy as np
import pytest
from support import damage

from dsth_jax import config as config_lib
from dsth_jax import pipeline, report
from dsth_jax.cli import errors
from dsth_jax.runtime import stopping

# Of the default tests: one of each kind of file, and of each kind of damage.
FEW = (
  ("codes/packed.npy", "flipped"),
  ("codes/thresholds.npy", "flipped at its end"),
  ("codes/names.txt", "flipped"),
  ("embedding/vectors.npy", "flipped"),
  ("embedding/fingerprint.json", "cut"),
  ("features/pixels/features.npy", "flipped in its head"),
  ("graph/indices.npy", "empty"),
  ("hash_function/thresholds.npy", "deleted"),
  ("splits/query.npy", "flipped"),
  ("stages.json", "cut"),
)


@pytest.fixture(scope="module", autouse=True)
def unreported():
  """Leaves out the report, which each command writes again."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(report, "write", lambda *_: None)
    yield


def _config(data_dir, seed=0):
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.data.data_dir = str(data_dir)
  config.seed = seed
  config.num_bits = 16
  config.train.num_epochs = 1
  config.train.log_every = 5
  config.train.checkpoint_seconds = 0.0
  config.eval.num_training_queries = 50
  config.eval.baselines = ()
  return config


def _stop_after(steps):
  asked = []

  def requested():
    asked.append(1)
    return 15 if len(asked) >= steps else None

  return requested


@pytest.fixture(scope="module")
def runs(data_dir, tmp_path_factory):
  """A finished run, one stopped in its training, and one of another seed."""
  root = tmp_path_factory.mktemp("runs")
  pipeline.run(_config(data_dir), root / "finished")
  pipeline.run(_config(data_dir, seed=1), root / "another")
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(stopping, "requested", _stop_after(9))
    # What it asks for is forgotten after it.
    patch.setattr(stopping._state, "requested", None)
    with pytest.raises(stopping.Stopped):
      pipeline.run(_config(data_dir), root / "stopped")
  return root


# Of a run: all that a user reads as its result.
def _results(run):
  metrics = json.loads((run / "metrics.json").read_text())
  arrays = {
    name: np.load(run / f"{name}.npy")
    for name in ("codes/packed", "codes/thresholds", "embedding/vectors")
  }
  names = (run / "codes" / "names.txt").read_text()
  figures = {
    name: metrics[name]
    for name in ("held_out", "training", "statistics", "losses", "embedding")
  }
  return arrays, (names, figures)


def _check(runs, config, spoilt):
  """Gives the command; returns the error, or nothing for the same results."""
  try:
    pipeline.run(config, spoilt)
  except (ValueError, OSError) as error:
    return errors.message(error, str(spoilt))
  arrays, rest = _results(spoilt)
  expected_arrays, expected_rest = _results(runs / "finished")
  for name, expected in expected_arrays.items():
    np.testing.assert_array_equal(arrays[name], expected, err_msg=name)
  assert rest == expected_rest
  left = [path for path in spoilt.rglob("*") if path.suffix == ".outdated"]
  assert not left
  return None


def _spoilt(runs, tmp_path, which, name, kind):
  copy = tmp_path / "run"
  shutil.rmtree(copy, ignore_errors=True)
  shutil.copytree(runs / which, copy)
  if kind == "swapped":
    damage.swap(copy / name, runs / "another" / name)
  else:
    damage.KINDS[kind](copy / name)
  return copy


@pytest.mark.parametrize(("name", "kind"), FEW)
def test_a_damaged_file_changes_no_result(runs, data_dir, tmp_path, name, kind):
  spoilt = _spoilt(runs, tmp_path, "finished", name, kind)
  assert _check(runs, _config(data_dir), spoilt) is None


def test_a_file_of_another_run_changes_no_result(runs, data_dir, tmp_path):
  spoilt = _spoilt(
    runs, tmp_path, "finished", "embedding/vectors.npy", "swapped"
  )
  assert _check(runs, _config(data_dir), spoilt) is None


def test_a_damaged_checkpoint_changes_no_result(runs, data_dir, tmp_path):
  (large, *_) = sorted(
    (
      path
      for path in (runs / "stopped" / "checkpoints").rglob("*")
      if path.is_file()
    ),
    key=lambda path: -path.stat().st_size,
  )
  name = large.relative_to(runs / "stopped").as_posix()
  spoilt = _spoilt(runs, tmp_path, "stopped", name, "flipped")
  assert _check(runs, _config(data_dir), spoilt) is None


def test_what_a_killed_removal_left_goes_with_the_next_command(
  runs, data_dir, tmp_path
):
  shutil.copytree(runs / "finished", tmp_path / "run")
  (tmp_path / "run" / "graph.outdated").mkdir()
  assert _check(runs, _config(data_dir), tmp_path / "run") is None


# The whole list. It takes some ten minutes on two idle cores.
@pytest.mark.slow
@pytest.mark.parametrize("which", ["finished", "stopped"])
@pytest.mark.parametrize("kind", [*damage.KINDS, "swapped"])
def test_no_damage_to_any_file_changes_a_result(
  runs, data_dir, tmp_path, which, kind
):
  said, count = [], 0
  for name in damage.files(runs / which):
    if kind == "swapped" and not (runs / "another" / name).is_file():
      continue
    if pathlib.PurePath(name).name.startswith(".lock"):
      continue
    spoilt = _spoilt(runs, tmp_path, which, name, kind)
    found = _check(runs, _config(data_dir), spoilt)
    count += 1
    if found is not None:
      said.append((name, found))
  assert count > 20
  # A run makes again what it can; only what it cannot is said.
  assert not said
