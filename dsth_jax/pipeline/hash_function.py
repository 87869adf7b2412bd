"""A finished run's hash function, for images that it has never seen."""

import json
import pathlib

from dsth_jax import config as config_lib
from dsth_jax import encode, finished_run
from dsth_jax.runtime import artifacts, records


def load_hash_function(path: pathlib.Path) -> encode.HashFunction:
  """Opens the hash function of a finished run.

  The run's images are not needed.

  Args:
    path: working directory of the run, or a folder that `HashFunction.save` has
      written.

  Raises:
    ValueError: it is neither, or the run is not finished with the settings in
      its config.json, or one of the files is damaged.
  """
  if (path / "hash_function.json").is_file():
    return encode.HashFunction.load(path)
  if not (path / "config.json").is_file():
    raise ValueError(
      f"{path} is not the working directory of a run, or of one that has "
      "not begun: there is no config.json in it."
    )
  config = config_lib.read(path / "config.json")
  directory = path / "hash_function"
  is_there = artifacts.read_record(directory)[0] is not None
  settings = json.loads(config.to_json())
  if not is_there or not all(
    records.is_current(path, name, settings) for name in finished_run.STAGES
  ):
    raise ValueError(
      f"the run in {path} is not finished with the settings in its "
      "config.json: give its command again, and it goes on to the end."
    )
  artifacts.refuse_damage(
    directory, "give the run's command again, and it makes it again"
  )
  return encode.HashFunction.load(directory)
