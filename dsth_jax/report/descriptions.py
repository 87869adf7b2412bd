"""Names and descriptions of the methods, stages and settings of a run."""

import pathlib
from collections.abc import Iterable
from typing import NamedTuple

from dsth_jax.baselines import BASELINES


class Term(NamedTuple):
  """A name and what it means.

  Attributes:
    name: as tables and legends show it.
    description: one or two sentences, or "".
  """

  name: str
  description: str = ""


# In the order of tables and legends; the baselines follow, then the features.
METHODS = {
  "dsth": Term("DSTH", "Codes of the hash function trained in this run."),
  "dsth_simplenet": Term(
    "DSTH, SimpleNet", "SimpleNet, trained on pixels with the hash labels."
  ),
  "dsth_frozen_backbone": Term(
    "DSTH, head on features",
    "A head on the backbone's features, trained with the hash labels.",
  ),
  "dsth_paper": Term(
    "DSTH, paper's labels",
    "The same hash network, trained with hash labels of the paper's setting: "
    "each bit is one eigenvector of the graph, cut at its mean.",
  ),
  "labels": Term(
    "Hash labels",
    "Codes that stage 1 gives to the training images. The hash network is "
    "trained to predict them.",
  ),
  "paper_labels": Term(
    "Hash labels, paper's setting",
    "Hash labels of the paper's setting: each bit is one eigenvector of the "
    "graph, cut at its mean.",
  ),
}
FEATURES = {
  "cosine": Term(
    "Backbone features, cosine",
    "No codes: the cosine similarity of the features themselves. Codes made "
    "from the features usually stay below it.",
  ),
}

STAGES = {
  "data": Term("Data", "find and check the images"),
  "splits": Term("Splits", "choose queries, database and training images"),
  "fine_tuning": Term(
    "Fine-tuning", "train the backbone further with class labels"
  ),
  "features": Term("Features", "describe each image with the backbone"),
  "pixels": Term("Pixels", "resize the images for the hash network"),
  "graph": Term("Graph", "link each image to its nearest neighbors"),
  "embedding": Term("Embedding", "compute eigenvectors of the graph"),
  "labels": Term("Hash labels", "cut the embedding into bits"),
  "training": Term("Training", "train the hash network on the hash labels"),
  "codes": Term("Codes", "encode all images with the hash function"),
  "hash_function": Term(
    "Hash function", "save the network with its thresholds"
  ),
  "evaluation": Term("Evaluation", "measure the searches"),
}

_KINDS = {
  "": "features",
  "frozen_backbone": "head on features",
  "simplenet": "SimpleNet",
}

_PROTOCOLS = {
  "official": "The queries are the test split of the data set. The database is "
  "its training split, and the training images come from it.",
  "holdout": "The queries are a random sample of the images. The database is "
  "all other images, and the training images come from it.",
  "queries-in-database": "The queries are the test split of the data set. The "
  "database is all images, where a query is left out of its ranking. The "
  "training images are the training split.",
  "cifar10-official": "The queries are the test split of the data set. The "
  "database is its training split; 500 images of each class in it are training "
  "images.",
  "cifar10-1": "The queries are 100 images of each class. The database is all "
  "other images; 500 images of each class in it are training images.",
  "cifar10-2": "The queries are 1,000 images of each class. The database is "
  "all other images, and all of them are training images.",
}

_BACKBONES = {
  "alexnet": "AlexNet",
  "googlenet": "GoogLeNet",
  "vgg16": "VGG16",
  "simplenet": "SimpleNet",
  "efficientnet_lite0": "EfficientNet-Lite0",
  "efficientnet_lite1": "EfficientNet-Lite1",
  "efficientnet_lite2": "EfficientNet-Lite2",
}
# Backbones that come with weights of ImageNet.
_PRETRAINED = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")

LABELS = {
  "diffusion": "The bits come from the diffusion rotation, an extension of the "
  "paper: smooth eigenvectors get a larger weight, and a rotation spreads them "
  "over all bits.",
  "eigenvectors": "Each bit is one eigenvector, cut at a threshold: the "
  "paper's setting.",
}


def method(key: str) -> Term:
  """Returns the name and description of a method; unknown ones keep the key."""
  if key in BASELINES:
    baseline = BASELINES[key]
    return Term(baseline.name or key, baseline.description)
  return {**METHODS, **FEATURES}.get(key, Term(key))


def kind(network: str) -> str:
  """Says what makes the codes: the features, or a hash network."""
  return _KINDS.get(network, network)


def stage(key: str) -> Term:
  """Returns the name and description of a stage, also of one like features/vit.

  Unknown stages keep the key.
  """
  name, _, part = key.partition("/")
  if name not in STAGES:
    return Term(key)
  known = STAGES[name]
  return known._replace(name=f"{known.name}, {part}") if part else known


def protocol(name: str) -> str:
  """Explains which images are queries, database and training images."""
  return _PROTOCOLS.get(name, f"The protocol is {name}.")


def backbone_name(name: str) -> str:
  """Returns the name of a backbone, or of several joined by "+"."""
  return "+".join(_BACKBONES.get(part, part) for part in name.split("+"))


def features(key: str) -> str:
  """Says where the features come from: the backbones, or .npy files."""
  if key.endswith(".npy"):
    files = [pathlib.PurePath(path).name for path in key.split("+")]
    return f"The features are read from {' and '.join(files)}."
  if key == "pixels":
    return "The features are the pixel values."
  parts = key.split("+")
  verb = "backbone is" if len(parts) == 1 else "backbones are"
  names = " and ".join(map(backbone_name, parts))
  pretrained = ", pretrained on ImageNet" * set(parts).issubset(_PRETRAINED)
  return f"The {verb} {names}{pretrained}."


def methods(keys: Iterable[str]) -> dict[str, str]:
  """Returns the descriptions of methods by their names."""
  return dict(method(key) for key in keys)


def in_order(keys: Iterable[str]) -> list[str]:
  """Sorts methods: DSTH, baselines, features, then those that are unknown."""
  known = [*METHODS, *BASELINES, *FEATURES]
  return sorted(
    keys, key=lambda key: known.index(key) if key in known else len(known)
  )
