"""A working directory: what is made, reused and made again, and why."""

import json
import os
import pathlib

import numpy as np
import pytest
from absl import logging

from dsth_jax import config as config_lib
from dsth_jax.pipeline import feature_extraction, run_dsth
from dsth_jax.pipeline import workdir as workdir_lib
from dsth_jax.pipeline.workdir import Workdir, settings
from dsth_jax.runtime import artifacts, checksums


def _recorder(calls, fails=False):
  def make(writer):
    calls.append(len(calls))
    writer.write(x=np.array(len(calls)))
    writer.num_images = 10
    if fails:
      raise OSError(28, "No space left on device")

  return make


def _count(workdir, depends_on):
  """Returns how often an artifact is made by one call."""
  calls = []
  artifact = workdir.artifact("graph", depends_on, _recorder(calls))
  return len(calls), artifact


def test_an_artifact_is_made_once(tmp_path):
  made, artifact = _count(Workdir(tmp_path), [{"seed": 1}])
  again, same = _count(Workdir(tmp_path), [{"seed": 1}])
  assert (made, again) == (1, 0)
  assert artifact == same
  np.testing.assert_array_equal(artifact.arrays["x"], 1)


def test_a_changed_dependency_makes_it_again_and_the_log_says_which(
  tmp_path, monkeypatch
):
  workdir, file = Workdir(tmp_path), tmp_path / "rows.npy"
  file.write_bytes(b"1")
  other = workdir.artifact("features", [{"k": 1}], _recorder([]))
  dependencies = [{"seed": 1}, other, file]
  assert _count(workdir, dependencies)[0] == 1
  messages = []
  monkeypatch.setattr(
    logging, "info", lambda text, *values: messages.append(text % values)
  )
  for place, change, reason in (
    (0, {"seed": 2}, "graph: made again, seed was 1"),
    (1, other._replace(fingerprint="0"), "graph: made again, features changed"),
  ):
    dependencies[place] = change
    assert _count(workdir, dependencies)[0] == 1
    assert messages[-2] == reason
    assert _count(workdir, dependencies)[0] == 0
  times = file.stat()
  file.write_bytes(b"2")
  # As unpacking an archive leaves two files of one size.
  os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
  checksums._content.cache_clear()
  assert _count(Workdir(tmp_path), dependencies)[0] == 1
  assert f"the content of {file} changed" in messages[-2]


def test_a_failed_stage_leaves_the_old_artifact(tmp_path):
  workdir = Workdir(tmp_path)
  _, old = _count(workdir, [{"seed": 1}])
  with pytest.raises(OSError, match="No space left"):
    workdir.artifact("graph", [{"seed": 2}], _recorder([], fails=True))
  assert _count(workdir, [{"seed": 1}]) == (0, old)
  assert not list(tmp_path.glob("*.partial"))


def test_a_stage_reused_twice_keeps_its_time(tmp_path):
  first = Workdir(tmp_path)
  _count(first, [])
  stage = first.stages["graph"]
  assert stage["seconds"] > 0
  assert stage["images_per_second"] == pytest.approx(10 / stage["seconds"])
  for again in (first, first, Workdir(tmp_path)):
    _count(again, [])
    assert again.stages["graph"] == {**stage, "reused": True}


def test_settings_are_named_in_full():
  config = config_lib.base_config()
  assert settings(config, "graph.num_neighbors", "seed") == {
    "graph.num_neighbors": 12,
    "seed": 0,
  }
  whole = settings(config, "spectral")
  assert set(whole) == {f"spectral.{name}" for name in config.spectral}
  assert isinstance(whole["spectral.tol"], float)


def test_paths_below_a_stage_are_folders_of_their_own(tmp_path):
  workdir = Workdir(tmp_path)
  workdir.artifact("features/pixels", [], _recorder([]))
  assert pathlib.Path(tmp_path / "features" / "pixels" / "x.npy").is_file()


def test_a_directory_of_a_newer_version_is_refused_before_it_is_changed(
  tmp_path,
):
  _count(Workdir(tmp_path), [{"seed": 1}])
  path = tmp_path / "graph" / "fingerprint.json"
  newer = artifacts.FORMAT + 1
  stored = {**json.loads(path.read_text()), "format": newer}
  del stored["checksum"]
  path.write_text(json.dumps(stored))
  before = {file: file.read_bytes() for file in tmp_path.rglob("*.*")}
  with pytest.raises(ValueError, match="graph was written by a newer version"):
    run_dsth.run(config_lib.base_config(), tmp_path)
  assert {file: file.read_bytes() for file in tmp_path.rglob("*.*")} == before


def test_refused_settings_do_not_take_the_place_of_those_of_a_run(tmp_path):
  (tmp_path / "config.json").write_text("{}")
  config = config_lib.base_config()
  config.train.batch_size = 4096
  with pytest.raises(ValueError, match=r"4,096 for train\.batch_size"):
    run_dsth.run(config, tmp_path)
  assert (tmp_path / "config.json").read_text() == "{}"


def _spoil(path):
  content = bytearray(path.read_bytes())
  content[-1] ^= 1
  path.write_bytes(content)


@pytest.mark.parametrize("name", ["x.npy", "fingerprint.json"])
def test_a_damaged_artifact_is_named_and_made_again(
  tmp_path, monkeypatch, name
):
  _, whole = _count(Workdir(tmp_path), [{"seed": 1}])
  _spoil(tmp_path / "graph" / name)
  messages = []
  monkeypatch.setattr(
    logging, "warning", lambda text, *values: messages.append(text % values)
  )
  assert _count(Workdir(tmp_path), [{"seed": 1}]) == (1, whole)
  assert str(tmp_path / "graph" / name) in messages[0]
  assert _count(Workdir(tmp_path), [{"seed": 1}]) == (0, whole)


def _chain(path, check_gigabytes):
  """Returns how often each of two artifacts is made."""
  workdir, first, second = Workdir(path, check_gigabytes), [], []
  features = workdir.artifact("features", [], _recorder(first))
  workdir.artifact("graph", [features], _recorder(second))
  return len(first), len(second)


def test_what_may_come_from_damage_that_was_not_seen_is_made_again(tmp_path):
  for check_gigabytes, with_dependents in ((1.0, 0), (0.0, 1)):
    path = tmp_path / str(check_gigabytes)
    assert _chain(path, check_gigabytes) == (1, 1)
    array = path / "features" / "x.npy"
    array.write_bytes(array.read_bytes()[:-1])
    assert _chain(path, check_gigabytes) == (1, with_dependents)
    assert _chain(path, check_gigabytes) == (0, 0)


def test_a_damaged_log_of_times_does_not_stop_a_run(tmp_path):
  _count(Workdir(tmp_path), [])
  (tmp_path / "stages.json").write_text("{")
  assert _count(Workdir(tmp_path), [])[0] == 0
  assert json.loads((tmp_path / "stages.json").read_text())["graph"]["reused"]


def test_an_artifact_says_what_made_it(tmp_path, monkeypatch):
  def by(version):
    monkeypatch.setattr(
      workdir_lib, "environment", lambda: {"jax": version, "python": "3.11"}
    )
    workdir = Workdir(tmp_path)
    made, _ = _count(workdir, [])
    return made, workdir.made_by["graph"]["jax"]

  assert by("0.9") == (1, "0.9")
  # Another version does not make it again, and does not take its place.
  assert by("0.10") == (0, "0.9")


def test_backbones_with_equal_file_names_have_folders_of_their_own():
  names = ["a/net.onnx", "b/net.onnx", "pixels"]
  labels = feature_extraction._labels(names)
  assert labels == ["net.onnx", "1.net.onnx", "pixels"]
