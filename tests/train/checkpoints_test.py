"""The checkpoints of a training run."""

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


def test_a_checkpoint_of_another_network_is_refused_and_kept(tmp_path):
  checkpoints = train.TrainingCheckpoints(tmp_path, "print")
  checkpoints.save(_state(3, 5))
  checkpoints.close()
  again = train.TrainingCheckpoints(tmp_path, "print")
  with pytest.raises(ValueError, match=r"step 5 is of another network"):
    again.restore(_state(4))
  assert int(again.restore(_state(3)).step) == 5
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
