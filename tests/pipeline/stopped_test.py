"""A training that is stopped goes on from its checkpoint, and so do its logs."""

import json

import numpy as np
import pytest

from dsth_jax import config as config_lib
from dsth_jax import pipeline, report
from dsth_jax.runtime import stopping


@pytest.fixture(scope="module", autouse=True)
def unreported():
  """Leaves out the report, which is not what is tested."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(report, "write", lambda *_: None)
    yield


def _config(data_dir):
  """A head on the pixels: its training takes a second."""
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  config.data.data_dir = str(data_dir)
  config.num_bits = 16
  config.train.num_epochs = 2
  config.train.log_every = 5
  config.eval.num_training_queries = 50
  config.eval.baselines = ()
  return config


@pytest.fixture(scope="module")
def finished(data_dir, tmp_path_factory):
  path = tmp_path_factory.mktemp("whole") / "run"
  return path, pipeline.run(_config(data_dir), path)


def _stopped_after(num_steps, number):
  """Returns a function that reports a signal from its n-th call on."""
  asked = []

  def requested():
    asked.append(number)
    return number if len(asked) >= num_steps else None

  return requested


@pytest.mark.parametrize("num_steps", [1, 7])
def test_a_stopped_training_ends_in_the_same_codes(
  finished, data_dir, tmp_path, monkeypatch, num_steps
):
  whole, expected = finished
  with monkeypatch.context() as patch:
    patch.setattr(stopping, "requested", _stopped_after(num_steps, 15))
    # What it asks for is forgotten after it.
    patch.setattr(stopping._state, "requested", None)
    with pytest.raises(stopping.Stopped) as stopped:
      pipeline.run(_config(data_dir), tmp_path)
  assert stopped.value.number == 15
  assert stopped.value.kept == f"the training up to step {num_steps}"
  (checkpoint,) = tmp_path.glob("checkpoints/*")
  assert (checkpoint / str(num_steps)).is_dir()
  found = pipeline.run(_config(data_dir), tmp_path)
  assert found["losses"] == expected["losses"]
  assert found["stages"]["labels"]["reused"]
  for name in ("packed", "thresholds"):
    np.testing.assert_array_equal(
      np.load(tmp_path / "codes" / f"{name}.npy"),
      np.load(whole / "codes" / f"{name}.npy"),
    )


def test_losses_and_times_are_those_of_the_training_that_is_shown(
  finished, data_dir
):
  path, first = finished
  config = _config(data_dir)
  config.train.learning_rate = 1e-4
  second = pipeline.run(config, path)
  assert second["losses"] != first["losses"]
  back = pipeline.run(_config(data_dir), path)
  # It is trained again from its last checkpoint, and its log is its own.
  assert back["losses"] == first["losses"]
  again = pipeline.run(_config(data_dir), path)
  assert again["losses"] == first["losses"]
  shown = again["stages"]["training"]
  assert shown == {**back["stages"]["training"], "reused": True}
  written = json.loads((path / "training" / "losses.json").read_text())
  assert written == again["losses"]
  assert len(list((path / "logs").iterdir())) == 2
