"""A finished run's hash function, for images that it has never seen."""

import pathlib
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from dsth_jax import config as config_lib
from dsth_jax import encode
from dsth_jax.pipeline import training as learning
from dsth_jax.runtime import artifacts, sharding


class Trained(NamedTuple):
  """What a run has learned.

  Attributes:
    config: its settings.
    hash_function: maps UInt8[n s s 3] to packed codes UInt8[n w], for n up to
      `config.encode.batch_size` and s `config.model.image_size`.
    fingerprint: of the codes that the run itself wrote with it.
  """

  config: ConfigDict
  hash_function: encode.HashFunction
  fingerprint: str


def load_hash_function(workdir: pathlib.Path) -> Trained:
  """Rebuilds the hash function from a finished run's working directory.

  The run's images are not needed. What it reads is config.json, checkpoints/,
  codes/, and of labels/ and splits/ the number of images and fingerprints: with
  them it proves that all of these are of one run.

  Raises:
    ValueError: the directory is no run's, or the run is not finished.
  """
  if not (workdir / "config.json").is_file():
    raise ValueError(
      f"{workdir} is not the working directory of a run, or of one that has "
      "not begun: there is no config.json in it."
    )
  config = config_lib.read(workdir / "config.json")
  labels = artifacts.fingerprint_of(workdir / "labels")
  data = artifacts.fingerprint_of(workdir / "splits")
  if labels is None or data is None:
    raise _unfinished(workdir)
  training = learning.training_fingerprint(config, labels)
  fingerprint = learning.codes_fingerprint(config, training, data)
  if not artifacts.is_current(workdir / "codes", fingerprint):
    raise _unfinished(workdir)
  thresholds = np.load(workdir / "codes" / "thresholds.npy")
  codes = np.load(workdir / "labels" / "codes.npy", mmap_mode="r")
  if not len(thresholds) == codes.shape[1] == config.num_bits:
    raise _unfinished(workdir)
  variables = _read_trained(
    workdir / "checkpoints", config, training, num_images=len(codes)
  )
  network = learning.compile_network(config, variables)
  return Trained(config, encode.HashFunction(network, thresholds), fingerprint)


def _read_trained(
  directory: pathlib.Path,
  config: ConfigDict,
  fingerprint: str,
  *,
  num_images: int,
) -> Any:
  """Returns the variables of a network that was trained to the end.

  Args:
    directory: the checkpoints of a run.
    config: of the run.
    fingerprint: of the training.
    num_images: that it trained on.

  Raises:
    ValueError: the last checkpoint is missing, or is another network's.
  """
  total = learning.num_steps(config, num_images)
  # Asked beforehand: opening them would make the folder.
  if not (directory / fingerprint / str(total)).is_dir():
    raise ValueError(
      f"{directory / fingerprint} does not hold the last checkpoint of the "
      f"training, step {total}: give the run's command again."
    )
  fresh = learning.first_state(
    config,
    learning.make_model(config),
    learning.make_optimizer(config, num_images),
    sharding.make_mesh(),
  )
  checkpoints = train.TrainingCheckpoints(directory, fingerprint)
  state = checkpoints.restore(fresh)
  checkpoints.close()
  return state.averaged


def _unfinished(workdir: pathlib.Path) -> ValueError:
  return ValueError(
    f"the run in {workdir} is not finished with the settings in its "
    "config.json: give its command again, and it goes on to the end."
  )
