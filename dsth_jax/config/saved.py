"""The settings that a run left beside its results."""

import json
import pathlib

from ml_collections import ConfigDict

from dsth_jax.config.base import base_config
from dsth_jax.config.validation import validate


def read(path: pathlib.Path) -> ConfigDict:
  """Returns the settings in the `config.json` of a run, validated.

  A field that the file does not name has its default.

  Raises:
    ValueError: the file is missing, is damaged, or holds settings that there
      are not or that cannot work.
  """
  config = base_config()
  try:
    config.update(json.loads(path.read_text(encoding="utf-8")))
  except FileNotFoundError as error:
    raise ValueError(
      f"{path} does not exist: name the working directory of a run."
    ) from error
  except KeyError as error:
    # ConfigDict goes on with a list of all that there is.
    sentence = str(error.args[0]).partition(" and cannot")[0]
    raise ValueError(
      f"{path} holds a setting of another version of dsth_jax ({sentence}): "
      "take that version, or run again."
    ) from error
  except (ValueError, TypeError, AttributeError) as error:
    raise ValueError(
      f"{path} does not hold the settings of a run ({error}): name the "
      "working directory of one, or run again."
    ) from error
  validate(config)
  return config
