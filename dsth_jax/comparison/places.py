"""Where the artifacts of a comparison go, so that variants share stages.

What the configuration itself leads to is in the comparison's own directory, at
the same places as without variants. A variant has folders of its own from the
first stage on that its settings change; they are named for what they change:

    backbones/alexnet/graph-num_neighbors=4/dsth/48-0/dsth-model.head=mlp

so that two variants with equal settings of a stage share its artifact.
"""

import pathlib
import re
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dsth_jax import config as config_lib
from dsth_jax.pipeline import inputs
from dsth_jax.pipeline.feature_extraction import backbone_image_size
from dsth_jax.pipeline.workdir import settings
from dsth_jax.runtime import artifacts

_TRANSFORM = ("features.center", "features.root")
# Longer names, and those with other characters, become a digest.
_PLAIN = re.compile(r"[\w.=,+-]{1,80}")


class Folders(NamedTuple):
  """The folders of the stages of a variant, each in the one before it.

  Attributes:
    extraction: of the features as the backbones give them.
    features: of what follows from the transformed features.
    pixels: of the images that hash networks see.
  """

  extraction: pathlib.Path
  features: pathlib.Path
  pixels: pathlib.Path


def of_inputs(
  root: pathlib.Path, base: ConfigDict, config: ConfigDict
) -> Folders:
  """Returns the folders of what the methods of a variant learn from.

  Args:
    root: the comparison's directory.
    base: its configuration.
    config: the variant's.
  """
  extraction = root
  changed = _changed(_extraction(base), _extraction(config))
  if changed:
    backbone = config.features.backbone
    # The name of a file is not all of its path.
    if "/" not in changed.get("features.backbone", ""):
      changed.pop("features.backbone", None)
    name = _label(pathlib.PurePath(backbone).name, changed)
    extraction = root / "backbones" / name
  size = inputs.image_size(config)
  is_same_size = size == inputs.image_size(base)
  return Folders(
    extraction,
    _below(extraction, "features", _differences(base, config, *_TRANSFORM)),
    root if is_same_size else root / f"{size}px",
  )


def of_graph(
  features: pathlib.Path, base: ConfigDict, config: ConfigDict
) -> pathlib.Path:
  """Returns the folder of the neighbors, given that of the features."""
  fields = ("graph.num_neighbors", "graph.search")
  return _below(features, "graph", _differences(base, config, *fields))


def of_embedding(
  graph: pathlib.Path, base: ConfigDict, config: ConfigDict
) -> pathlib.Path:
  """Returns the folder of an embedding, given that of the neighbors.

  Args:
    graph: the folder of the neighbors.
    base: the comparison's configuration.
    config: of a cell.
  """
  fields = ("graph.symmetrize", "graph.connect", "spectral")
  label = _label(
    f"{config.num_bits}-{config.seed}", _differences(base, config, *fields)
  )
  return graph / "dsth" / label


def of_network(
  embedding: pathlib.Path, base: ConfigDict, config: ConfigDict, method: str
) -> pathlib.Path:
  """Returns the folder of hash labels, training and codes.

  Args:
    embedding: the folder of the embedding.
    base: the comparison's configuration.
    config: of a cell, with what its kind of DSTH changes.
    method: the kind.
  """
  base = config_lib.dsth_settings(base, method)
  fields = ("labels", "model", "train", "encode", "features.batch_size")
  return embedding / _label(method, _differences(base, config, *fields))


def _extraction(config: ConfigDict) -> dict[str, Any]:
  """Returns the settings that the backbones' features follow from."""
  found = settings(config, "features")
  if not config.features.file:
    found["features.image_size"] = backbone_image_size(config)
  for name in (*_TRANSFORM, "features.batch_size"):
    del found[name]
  return found


def _differences(
  base: ConfigDict, config: ConfigDict, *names: str
) -> dict[str, Any]:
  return _changed(settings(base, *names), settings(config, *names))


def _changed(base: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
  return {name: new[name] for name in new if new[name] != base[name]}


def _below(
  parent: pathlib.Path, name: str, changed: dict[str, Any]
) -> pathlib.Path:
  return parent / _label(name, changed) if changed else parent


def _label(name: str, changed: dict[str, Any]) -> str:
  """Returns the name of a folder that tells what differs in it."""
  if not changed:
    return name
  # Fields of these sections have names that no others have.
  fields = {
    key.removeprefix("features.").removeprefix("graph."): changed[key]
    for key in changed
  }
  text = ",".join(f"{key}={value}" for key, value in fields.items())
  if not _PLAIN.fullmatch(text):
    text = artifacts.fingerprint(changed)[:10]
  return f"{name}-{text}"
