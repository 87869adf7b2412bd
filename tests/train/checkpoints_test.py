"""The checkpoints of a training run."""

import pathlib
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest

from dsth_jax import train


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


def test_other_settings_have_other_checkpoints(tmp_path):
  first = train.TrainingCheckpoints(tmp_path, "print")
  first.save(_state(3, 5))
  first.close()
  other = train.TrainingCheckpoints(tmp_path, "other")
  assert int(other.restore(_state(3)).step) == 0
  other.close()


def _flip(path):
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)


def _cut(path):
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _saved(directory):
  """Two checkpoints; returns the files of the newer one."""
  checkpoints = train.TrainingCheckpoints(directory, "print")
  for step in (1, 2):
    checkpoints.save(_state(300, step))
  checkpoints.close()
  root = directory / "print" / "2"
  return sorted(path for path in root.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  directory = tmp_path_factory.mktemp("whole")
  return directory, len(_saved(directory))


@pytest.mark.parametrize("spoil", [_flip, _cut, pathlib.Path.unlink])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
  whole, tmp_path, spoil
):
  directory, num_files = whole
  taken = set()
  for number in range(num_files):
    copy = tmp_path / str(number)
    shutil.copytree(directory, copy)
    root = copy / "print" / "2"
    files = sorted(path for path in root.rglob("*") if path.is_file())
    spoil(files[number])
    checkpoints = train.TrainingCheckpoints(copy, "print")
    restored = checkpoints.restore(_state(300))
    step = int(restored.step)
    taken.add(step)
    # Whichever it is, its numbers are right; and the training can go on.
    jax.tree.map(np.testing.assert_array_equal, restored, _state(300, step))
    checkpoints.save(_state(300, 2))
    checkpoints.close()
    again = train.TrainingCheckpoints(copy, "print")
    assert int(again.restore(_state(300)).step) == 2
    again.close()
  assert 1 in taken
  assert taken <= {1, 2}


def test_without_an_intact_checkpoint_the_training_starts_again(tmp_path):
  for path in _saved(tmp_path):
    _cut(path)
  again = train.TrainingCheckpoints(tmp_path, "print")
  # The one before it is of another network.
  assert int(again.restore(_state(4)).step) == 0
  again.save(_state(4, 1))
  again.close()


def test_a_full_disk_is_reported_as_python_does(tmp_path, monkeypatch):
  checkpoints = train.TrainingCheckpoints(tmp_path, "print")

  def fail(self):
    raise ValueError('RESOURCE_EXHAUSTED: Error writing "averaged.kernel/0"')

  monkeypatch.setattr(ocp.CheckpointManager, "wait_until_finished", fail)
  with pytest.raises(OSError, match=r"No space left on device: .*print"):
    checkpoints.close()


def test_other_failures_of_a_checkpoint_keep_their_message(
  tmp_path, monkeypatch
):
  checkpoints = train.TrainingCheckpoints(tmp_path, "print")

  def fail(self):
    raise ValueError("another reason")

  monkeypatch.setattr(ocp.CheckpointManager, "wait_until_finished", fail)
  with pytest.raises(ValueError, match="another reason"):
    checkpoints.close()
