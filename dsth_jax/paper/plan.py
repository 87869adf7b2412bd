"""From cells of the paper to a comparison: its settings and its variants."""

import pathlib
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dsth_jax import config as config_lib
from dsth_jax import features
from dsth_jax.config import thresholds
from dsth_jax.models.backbones import BACKBONES
from dsth_jax.paper import budgets, experiments
from dsth_jax.paper.request import Request
from dsth_jax.paper.results import Key

# What the classifier of Table II is measured beside: a comparison has no cells
# without a method, and this one takes no time.
_CLASSIFIED_WITH, _CLASSIFIED_BITS = "lsh", 16
# Section IV-A: the others are resized to 96 pixels a side.
_IMAGE_SIZES = {"cifar10": 32, "cifar100_coarse": 32, "cifar100_fine": 32}
_LARGE_IMAGE_SIZE = 96
# Of the two sets whose queries are images of the database too.
_PROTOCOLS = {"holidays1m": "queries-in-database"}
# A data set of this size has to save time and disk, unless a budget keeps less.
_LARGE = {
  "holidays1m": {"graph.search": "approximate", "features.dtype": "float16"}
}


class CellSource(NamedTuple):
  """Where a cell's figures are in the results of a comparison."""

  variant: str
  method: str
  num_bits: int


class Plan(NamedTuple):
  """One comparison.

  Attributes:
    dataset: all cells are of it.
    variants: settings by name, for `compare.variants`.
    sources: of every cell.
    ablations: names of the variants that no cell of the paper has.
  """

  dataset: str
  variants: dict[str, dict[str, Any]]
  sources: dict[Key, CellSource]
  ablations: tuple[str, ...] = ()


def plans(request: Request) -> list[Plan]:
  """Returns a comparison for each data set that an experiment has cells on.

  Raises:
    ValueError: the experiment is unknown, has nothing of what is asked for, or
      a backbone has no weights.
  """
  wanted = experiments.cells(request.experiment, request.labels)
  _check_choice("--datasets", request.datasets, wanted, "dataset")
  _check_choice("--num_bits", request.num_bits, wanted, "num_bits")
  keys = [
    key._replace(backbone=backbone)
    for key in wanted
    if not request.datasets or key.dataset in request.datasets
    if not request.num_bits or key.num_bits in (0, *request.num_bits)
    if (backbone := _backbone(request, key.backbone))
  ]
  _check_weights(request, keys)
  with_ablations = "ablations" in experiments.names_of(request.experiment)
  return [
    _plan(
      request,
      dataset,
      [key for key in keys if key.dataset == dataset],
      with_ablations and dataset == "cifar10",
    )
    for dataset in dict.fromkeys(key.dataset for key in keys)
  ]


def base(
  request: Request, plan: Plan, root: pathlib.Path, data_dir: str
) -> ConfigDict:
  """Returns the settings of a comparison, with its variants.

  What variants share does not depend on the experiment, so that experiments on
  the same data share features, graphs and finished cells.

  Args:
    request: of the user.
    plan: of the data set.
    root: the folder with its archives, or with train/CLASS and test/CLASS.
    data_dir: where prepared data is kept; "" for TFDS's own folder.
  """
  config = config_lib.use_paper_settings(config_lib.base_config())
  config.features.backbone = "efficientnet_lite0"
  config.features.image_size = 0
  is_folder = (root / "train").is_dir() and (root / "test").is_dir()
  config.data.name = "image_folder" if is_folder else plan.dataset
  config.data.root, config.data.data_dir = str(root), data_dir
  config.data.protocol = _PROTOCOLS.get(plan.dataset, "official")
  config.data.num_queries = 0
  config.model.image_size = _image_size(plan.dataset)
  config.train.batch_size = 128
  config.compare.methods = ("dsth",)
  config.compare.num_bits = tuple(
    sorted({source.num_bits for source in plan.sources.values()})
  )
  config.compare.seeds = tuple(request.seeds)
  budget = budgets.BUDGETS[request.budget].settings
  large = {} if "data.num_training" in budget else _LARGE.get(plan.dataset, {})
  config_lib.change(config, {**large, **budget, **request.settings})
  config.compare.variants = plan.variants
  return config


def _plan(
  request: Request, dataset: str, keys: Sequence[Key], with_ablations: bool
) -> Plan:
  """Returns the variants of one data set; cells of one share it."""
  grouped: dict[str, list[Key]] = {}
  for key in keys:
    grouped.setdefault(_name(key), []).append(key)
  plan = Plan(dataset, {}, {})
  for name, group in grouped.items():
    settings = _settings(request, group[0])
    sources = {key: _source(name, key) for key in group}
    plan.variants[name] = _with_cells(settings, sources.values())
    plan.sources.update(sources)
  if with_ablations:
    return _with_ablations(request, plan)
  return plan


def _name(key: Key) -> str:
  """Names the variant of a cell, for its folder."""
  kind = {"dsth_diffusion": "diffusion", "classification": "classification"}
  parts = (
    pathlib.PurePath(key.backbone).name,
    key.head,
    key.activation,
    "labels" if key.labels else "",
    kind.get(key.method, ""),
  )
  return "-".join(filter(None, parts))


def _source(name: str, key: Key) -> CellSource:
  if key.method == experiments.CLASSIFICATION:
    return CellSource(name, _CLASSIFIED_WITH, _CLASSIFIED_BITS)
  method = "dsth" if key.method == "dsth_diffusion" else key.method
  return CellSource(name, method, key.num_bits)


def _with_cells(
  settings: dict[str, Any], sources: Collection[CellSource]
) -> dict[str, Any]:
  methods = dict.fromkeys(source.method for source in sources)
  lengths = sorted({source.num_bits for source in sources})
  return {
    **settings,
    "compare.methods": tuple(methods),
    "compare.num_bits": tuple(lengths),
  }


def _settings(request: Request, key: Key) -> dict[str, Any]:
  """Returns what the variant of a cell changes in the paper's settings."""
  settings: dict[str, Any] = {"features.backbone": key.backbone}
  if key.backbone in request.weights:
    settings["features.weights"] = request.weights[key.backbone]
  if key.backbone == "simplenet":
    settings["features.image_size"] = _image_size(key.dataset)
  if key.labels:
    budget = budgets.BUDGETS[request.budget]
    tuning = (
      budget.from_scratch if key.backbone == "simplenet" else budget.fine_tuning
    )
    settings |= {
      f"features.fine_tuning.{name}": tuning[name] for name in tuning
    }
  if key.activation:
    settings["model.head"] = key.head
    settings["model.activation"] = key.activation
    # Eq. 22 for Sigmoid; for ReLU the paper names none.
    if "labels" not in thresholds.CUTS[key.activation].thresholds:
      settings["encode.threshold"] = "half"
  if key.method == "dsth_diffusion":
    settings |= _diffusion(key.activation)
  return settings


def _diffusion(activation: str) -> dict[str, Any]:
  """Returns the recommended hash labels, with the features that they take."""
  thresholds = {"encode.threshold": "mean"} if activation == "batchnorm" else {}
  return {
    "features.center": True,
    "features.root": True,
    "labels.method": "diffusion",
    **thresholds,
  }


def _with_ablations(request: Request, plan: Plan) -> Plan:
  """Adds the variants that change one setting of the main configuration."""
  backbone = _backbone(request, "googlenet")
  length = experiments.LENGTH[plan.dataset]
  main = Key(
    plan.dataset, backbone, "slice", "batchnorm", False, "dsth", length
  )
  added = {}
  for method, changes in (
    ("dsth", experiments.PAPER_ABLATIONS),
    ("dsth_diffusion", experiments.DIFFUSION_ABLATIONS),
  ):
    key = main._replace(method=method)
    for name, change in changes.items():
      settings = {**_settings(request, key), **change}
      label = f"{_name(key)}-{name}"
      added[label] = _with_cells(settings, [_source(label, key)])
  # What the first ones differ from.
  names = (*(name for name in [_name(main)] if name in plan.variants), *added)
  return plan._replace(variants={**plan.variants, **added}, ablations=names)


def _image_size(dataset: str) -> int:
  return _IMAGE_SIZES.get(dataset, _LARGE_IMAGE_SIZE)


def _backbone(request: Request, published: str) -> str:
  """Returns what stands in for a backbone of the paper; "" if nothing does."""
  if published == "simplenet" or not request.stand_ins:
    return published
  return request.stand_ins.get(published, "")


def _check_choice(
  flag: str, chosen: Collection[Any], keys: Sequence[Key], field: str
) -> None:
  """Refuses a choice that no cell of the experiment has."""
  # Table II has no codes, and so no code lengths.
  known = dict.fromkeys(value for key in keys if (value := getattr(key, field)))
  for value in chosen:
    if not known:
      raise ValueError(
        f"{flag} names {value}, but the experiment has no choice of these: "
        "leave the flag out."
      )
    if value not in known:
      raise ValueError(
        f"{flag} names {value}, but the experiment has "
        f"{', '.join(map(str, known))}: choose from these."
      )


def _check_weights(request: Request, keys: Sequence[Key]) -> None:
  """Refuses, before any work, a backbone that is unknown or has no weights."""
  wanted = dict.fromkeys(key.backbone for key in keys)
  for backbone in request.weights:
    # Files of other backbones of the paper may stay in a command.
    if backbone not in (*wanted, *BACKBONES):
      raise ValueError(
        f"--weights names the backbone {backbone}, but the experiment has "
        f"{', '.join(wanted)}: name one of these."
      )
  for backbone in wanted:
    try:
      features.check_backbones(backbone, request.weights.get(backbone, ""))
    except ValueError as error:
      if backbone not in BACKBONES:
        raise
      raise ValueError(
        f"{error} Here that is --weights={backbone}=FILE; or "
        "--backbones=efficientnet_lite0 takes another backbone in place of the "
        "paper's, and the tables say so."
      ) from error
