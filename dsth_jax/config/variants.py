"""The variants of a comparison: the same data under other settings."""

import re
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

# What all variants of a comparison have in common: whole sections, or fields.
_SHARED = (
  *("seed", "num_bits", "data", "eval"),
  *("compare.seeds", "compare.num_queries", "compare.num_views"),
  "compare.variants",
)
# Of the folder of a variant.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,=+-]*")


def variants(config: ConfigDict) -> dict[str, ConfigDict]:
  """Returns the settings of each of `compare.variants` by its name.

  They are not validated. Without variants there is one, named "": the
  configuration itself.

  Raises:
    ValueError: a name is not one of a folder, or a variant changes a setting
      that does not exist, that all variants share, or to another type.
  """
  named = config.compare.variants
  if not isinstance(named, Mapping):
    raise ValueError(
      f"config.compare.variants is {named!r}: give the settings of each "
      'variant by its name, as in {"mlp": {"model.head": "mlp"}}.'
    )
  return {name: _variant(config, name, named[name]) for name in named} or {
    "": config
  }


def change(config: ConfigDict, settings: Mapping[str, Any]) -> ConfigDict:
  """Sets fields by their full names, such as "model.head".

  Raises:
    ValueError: there is no such field, or it has another type.
  """
  for name, value in settings.items():
    *sections, field = name.split(".")
    section = config
    for part in sections:
      section = section.get(part) if part in section else ConfigDict()
      if not isinstance(section, ConfigDict):
        break
    if not isinstance(section, ConfigDict) or field not in section:
      raise ValueError(
        f"the setting {name!r} does not exist: give a full name, such as "
        "features.backbone; dsth_jax/config/base.py has them all."
      )
    if isinstance(section[field], ConfigDict):
      raise ValueError(
        f"{name!r} is a section: set its fields, such as "
        f"{name}.{next(iter(section[field]))}."
      )
    try:
      section[field] = value
    except TypeError as error:
      raise ValueError(
        f"config.{name} is {section[field]!r}, and cannot be set to "
        f"{value!r}: give a value of the same type."
      ) from error
  return config


def _variant(config: ConfigDict, name: str, settings: Any) -> ConfigDict:
  """Returns the configuration with the settings of one variant."""
  if not _NAME.fullmatch(name):
    raise ValueError(
      f"config.compare.variants has the name {name!r}, which also names a "
      "folder: use letters, digits and any of _ . , = + - after the first."
    )
  if not isinstance(settings, Mapping):
    raise ValueError(
      f"config.compare.variants[{name!r}] is {settings!r}: give its settings by "
      'their full names, as in {"model.head": "mlp"}.'
    )
  for setting in settings:
    for shared in _SHARED:
      if setting == shared or setting.startswith(f"{shared}."):
        raise ValueError(
          f"config.compare.variants[{name!r}] changes {setting}, which all "
          "variants share: set it for the whole comparison, or make another "
          "comparison."
        )
  changed = config.copy_and_resolve_references()
  changed.compare.variants = {}
  try:
    return change(changed, settings)
  except ValueError as error:
    raise ValueError(f"config.compare.variants[{name!r}]: {error}") from error
