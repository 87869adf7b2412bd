"""A finished run's hash function, for images that it has never seen."""

import json
import pathlib
from typing import Any

from ml_collections import ConfigDict

from dsth_jax import config as config_lib
from dsth_jax import encode
from dsth_jax.runtime import artifacts

_STAGES = ("graph", "embedding", "labels", "training", "codes", "hash_function")


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
  if not is_there or not all(_is_current(path, config, s) for s in _STAGES):
    raise ValueError(
      f"the run in {path} is not finished with the settings in its "
      "config.json: give its command again, and it goes on to the end."
    )
  artifacts.refuse_damage(
    directory, "give the run's command again, and it makes it again"
  )
  return encode.HashFunction.load(directory)


def _is_current(workdir: pathlib.Path, config: ConfigDict, name: str) -> bool:
  """Tells whether a stage, if it is there, is of these settings and stages."""
  _, record = artifacts.read_record(workdir / name)
  for other, fingerprint in record.artifacts.items():
    current = artifacts.identity(workdir / other)
    if current not in (None, fingerprint):
      return False
  return all(
    value == _setting(config, setting, value)
    for setting, value in record.settings.items()
  )


def _setting(config: ConfigDict, name: str, default: Any) -> Any:
  """Returns a setting by its full name, as JSON has it."""
  found: Any = config
  for part in name.split("."):
    if not isinstance(found, ConfigDict) or part not in found:
      return default
    found = found[part]
  return json.loads(json.dumps(found))
