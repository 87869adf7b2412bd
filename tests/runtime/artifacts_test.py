"""Artefacts are whole or absent, and know what they came from."""

import errno
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest

from dsth_jax import train
from dsth_jax.runtime import artifacts


def test_written_arrays_are_read_back_as_memory_maps(tmp_path):
  arrays = {"codes": np.arange(6).reshape(2, 3), "count": np.array(4)}
  artifacts.write(tmp_path / "labels", "print", arrays)
  found = artifacts.read(tmp_path / "labels")
  assert set(found) == set(arrays)
  for name, array in arrays.items():
    np.testing.assert_array_equal(found[name], array)
  assert isinstance(found["codes"], np.memmap)


def test_an_artefact_is_current_for_its_own_fingerprint_alone(tmp_path):
  directory = tmp_path / "graph"
  assert not artifacts.is_current(directory, "a")
  artifacts.write(directory, "a", {"x": np.zeros(1)})
  assert artifacts.is_current(directory, "a")
  assert not artifacts.is_current(directory, "b")


def test_a_failed_write_leaves_the_old_artefact(tmp_path):
  directory = tmp_path / "labels"
  artifacts.write(directory, "old", {"x": np.ones(1)})

  def fail():
    with artifacts.replacing(directory, "new") as partial:
      np.save(partial / "x.npy", np.zeros(1))
      raise OSError(28, "No space left on device")

  with pytest.raises(OSError, match="No space left"):
    fail()
  assert artifacts.is_current(directory, "old")
  np.testing.assert_array_equal(artifacts.read(directory)["x"], np.ones(1))
  assert [path.name for path in tmp_path.iterdir()] == ["labels"]


def test_fingerprints_tell_settings_apart_but_not_their_order():
  assert artifacts.fingerprint({"a": 1, "b": 2}) == artifacts.fingerprint(
    {"b": 2, "a": 1}
  )
  different = [{"a": 1}, {"a": 1.5}, {"a": "1"}, {"b": 1}, {}]
  assert len({artifacts.fingerprint(value) for value in different}) == 5


def _writer(directory, expected="print"):
  return artifacts.RowWriter(
    directory, expected, name="rows", shape=(5, 2), dtype=np.float32
  )


def test_rows_go_on_where_a_killed_run_stopped(tmp_path):
  rows = np.arange(10, dtype=np.float32).reshape(5, 2)
  killed = _writer(tmp_path / "features")
  killed.append(rows[:2])
  assert not artifacts.is_current(tmp_path / "features", "print")
  resumed = _writer(tmp_path / "features")
  assert resumed.start == 2
  resumed.append(rows[2:])
  resumed.finish()
  assert artifacts.is_current(tmp_path / "features", "print")
  found = artifacts.read(tmp_path / "features")
  np.testing.assert_array_equal(found["rows"], rows)
  assert not list(tmp_path.glob("*.partial"))


def test_rows_of_other_settings_are_not_gone_on_with(tmp_path):
  _writer(tmp_path / "features").append(np.ones((2, 2), np.float32))
  assert _writer(tmp_path / "features", "other").start == 0


def test_a_full_disk_is_noticed_before_any_row_is_written(
  tmp_path, monkeypatch
):
  artifacts.write(tmp_path / "features", "old", {"rows": np.ones(1)})

  def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

  monkeypatch.setattr(os, "posix_fallocate", full)
  with pytest.raises(OSError, match="No space left"):
    _writer(tmp_path / "features")
  assert [path.name for path in tmp_path.iterdir()] == ["features"]
  assert artifacts.is_current(tmp_path / "features", "old")


def _state(size, step=0):
  tree = {"params": {"kernel": jnp.full((size, 2), float(step))}}
  return train.TrainState(jnp.array(step), tree, tree, {"m": jnp.ones(size)})


def test_the_newest_training_state_is_restored(tmp_path):
  checkpoints = train.TrainingCheckpoints(tmp_path, "print")
  assert int(checkpoints.restore(_state(3)).step) == 0
  for step in (1, 2, 3):
    checkpoints.save(_state(3, step))
  checkpoints.close()
  again = train.TrainingCheckpoints(tmp_path, "print")
  restored = again.restore(_state(3))
  again.close()
  jax.tree.map(np.testing.assert_array_equal, restored, _state(3, 3))


def test_other_settings_have_checkpoints_of_their_own(tmp_path):
  first = train.TrainingCheckpoints(tmp_path, "print")
  first.save(_state(3, 5))
  first.close()
  other = train.TrainingCheckpoints(tmp_path, "other")
  assert int(other.restore(_state(3)).step) == 0
  other.close()


def test_a_checkpoint_of_another_network_is_refused_and_kept(tmp_path):
  checkpoints = train.TrainingCheckpoints(tmp_path, "print")
  checkpoints.save(_state(3, 5))
  checkpoints.close()
  again = train.TrainingCheckpoints(tmp_path, "print")
  with pytest.raises(ValueError, match=r"step 5 is of another network"):
    again.restore(_state(4))
  assert int(again.restore(_state(3)).step) == 5
  again.close()


def test_json_is_whole(tmp_path):
  artifacts.write_json(tmp_path / "metrics.json", {"a": [1, None]})
  assert json.loads((tmp_path / "metrics.json").read_text()) == {"a": [1, None]}


def test_a_full_disk_is_said_in_pythons_own_words(tmp_path, monkeypatch):
  checkpoints = train.TrainingCheckpoints(tmp_path, "print")

  def fail(self):
    raise ValueError('RESOURCE_EXHAUSTED: Error writing "averaged.kernel/0"')

  monkeypatch.setattr(ocp.CheckpointManager, "wait_until_finished", fail)
  with pytest.raises(OSError, match=r"No space left on device: .*print"):
    checkpoints.close()


def test_other_failures_of_a_checkpoint_keep_their_words(tmp_path, monkeypatch):
  checkpoints = train.TrainingCheckpoints(tmp_path, "print")

  def fail(self):
    raise ValueError("another reason")

  monkeypatch.setattr(ocp.CheckpointManager, "wait_until_finished", fail)
  with pytest.raises(ValueError, match="another reason"):
    checkpoints.close()
