"""A finished run's hash function, for images that it has never seen."""

import pathlib
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from dsth_jax import checkpoint, encode
from dsth_jax import config as config_lib
from dsth_jax.pipeline import learning


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
  labels = checkpoint.fingerprint_of(workdir / "labels")
  data = checkpoint.fingerprint_of(workdir / "splits")
  if labels is None or data is None:
    raise _unfinished(workdir)
  training = learning.training_fingerprint(config, labels)
  fingerprint = learning.codes_fingerprint(config, training, data)
  if not checkpoint.is_current(workdir / "codes", fingerprint):
    raise _unfinished(workdir)
  thresholds = np.load(workdir / "codes" / "thresholds.npy")
  codes = np.load(workdir / "labels" / "codes.npy", mmap_mode="r")
  if not len(thresholds) == codes.shape[1] == config.num_bits:
    raise _unfinished(workdir)
  variables = learning.read_trained(
    workdir / "checkpoints", config, training, num_images=len(codes)
  )
  network = learning.compile_network(config, variables)
  return Trained(config, encode.HashFunction(network, thresholds), fingerprint)


def _unfinished(workdir: pathlib.Path) -> ValueError:
  return ValueError(
    f"the run in {workdir} is not finished with the settings in its "
    "config.json: give its command again, and it goes on to the end."
  )
