"""Runs experiments: a comparison a data set, and their files."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from absl import logging

from dsth_jax import comparison
from dsth_jax import config as config_lib
from dsth_jax.cli import errors
from dsth_jax.paper import budgets, experiments, plan
from dsth_jax.paper.context import Context
from dsth_jax.paper.plan import CellSource, Plan
from dsth_jax.paper.request import LABELS, Request
from dsth_jax.paper.results import Key, Measured, Metrics
from dsth_jax.report import comparison as comparison_report
from dsth_jax.report.comparison import VariantResults


class Found(NamedTuple):
  """What experiments have found.

  Attributes:
    measured: figures by cell.
    context: of the run, with what has none.
    ablations: files by name, of the comparison of the ablations.
    failed: by data set, the cells of its comparison that have no figures, as
      comparison.json has them.
  """

  measured: Measured
  context: Context
  ablations: Mapping[str, bytes]
  failed: Mapping[str, Sequence[Mapping[str, Any]]]


def run(
  request: Request, data: pathlib.Path, workdir: pathlib.Path, data_dir: str
) -> Found:
  """Measures what is not measured yet.

  Args:
    request: what is wanted.
    data: a folder with a folder a data set, or that of the only data set.
    workdir: has a folder a data set, which all experiments share.
    data_dir: where prepared data is kept; "" for TFDS's own folder.

  Returns:
    What was found; a data set that is missing and cells that fail are named in
    the context, and the others go on.

  Raises:
    ValueError: nothing can be measured, see `plan.plans`.
  """
  planned = plan.plans(request)
  measured: dict[Key, Metrics] = {}
  failed: dict[Key, str] = {}
  missing: dict[str, str] = {}
  ablations: dict[str, bytes] = {}
  failures: dict[str, Sequence[Mapping[str, Any]]] = {}
  for number, each in enumerate(planned, 1):
    logging.info("%s, data set %d of %d", each.dataset, number, len(planned))
    root = data / each.dataset
    if len(planned) == 1 and not root.is_dir():
      root = data
    config = plan.base(request, each, root, data_dir)
    try:
      config_lib.validate(config)
      results: Any = comparison.run(config, workdir / each.dataset)
    except (ValueError, OSError, ImportError) as error:
      missing[each.dataset] = errors.message(error, str(workdir))
      logging.error("%s: %s", each.dataset, missing[each.dataset])
      continue
    found = figures(each, results)
    measured |= found
    failed |= _failures(each, results, found)
    failures[each.dataset] = results["failed"]
    ablations |= _ablations(each, results)
  context = Context(
    budget=f"Budget {request.budget}: {budgets.BUDGETS[request.budget].text}",
    seeds=tuple(request.seeds),
    stand_ins=_stand_ins(request),
    failed=failed,
    missing=missing,
  )
  return Found(measured, context, ablations, failures)


def _stand_ins(request: Request) -> dict[str, str]:
  """Returns the stand-ins of the backbones that the experiment has."""
  wanted = {key.backbone for key in experiments.cells(request.experiment)}
  return {
    published: backbone
    for published, backbone in request.stand_ins.items()
    if published in wanted
  }


def part(context: Context, experiment: str) -> Context:
  """Returns what of the context concerns one of several experiments."""
  cells = experiments.cells(experiment, tuple(LABELS.values()))
  datasets = {key.dataset for key in cells}
  backbones = {key.backbone for key in cells}
  measured = {
    key._replace(backbone=context.backbone(key.backbone)) for key in cells
  }
  return context._replace(
    stand_ins={
      published: context.stand_ins[published]
      for published in context.stand_ins
      if published in backbones
    },
    failed={
      key: context.failed[key] for key in context.failed if key in measured
    },
    missing={
      dataset: context.missing[dataset]
      for dataset in context.missing
      if dataset in datasets
    },
  )


def refuse_failures(found: Found) -> None:
  """Raises ValueError where something has no figures, after all is written."""
  context = found.context
  parts = []
  if context.missing:
    dataset, sentence = next(iter(context.missing.items()))
    parts.append(
      f"Data sets without figures: {len(context.missing)}, first {dataset}: "
      f"{sentence}"
    )
  failed = [
    (f"{cell['variant']}/{cell['method']} on {dataset}", cell["error"])
    for dataset, cells in found.failed.items()
    for cell in cells
  ]
  if failed:
    cell, sentence = failed[0]
    parts.append(f"{len(failed)} of the cells failed, first {cell}: {sentence}")
  if parts:
    raise ValueError(
      f"{' '.join(parts)} All other figures are written; the same command "
      "tries these again."
    )


def figures(planned: Plan, results: Mapping[str, Any]) -> dict[Key, Metrics]:
  """Returns the means over the seeds of each cell that has any."""
  found = {}
  for key, source in planned.sources.items():
    variant = results["variants"][source.variant]
    if key.method == experiments.CLASSIFICATION:
      metrics = _classification(variant["ceiling"], key.backbone)
    else:
      by_bits = variant["methods"][source.method]
      metrics = by_bits[str(source.num_bits)]["mean"]
    if metrics:
      found[key] = metrics
  return found


def _classification(ceiling: Mapping[str, Any], backbone: str) -> Metrics:
  known = ceiling.get("classification", {}).get(backbone, {})
  accuracy = known.get("fine_tuning.accuracy")
  return {} if accuracy is None else {experiments.CLASSIFICATION: accuracy}


def _failures(
  planned: Plan, results: Mapping[str, Any], found: Mapping[Key, Metrics]
) -> dict[Key, str]:
  """Returns why cells have no figures, or none of some of the seeds."""
  reasons: dict[CellSource, str] = {}
  for cell in results["failed"]:
    source = CellSource(cell["variant"], cell["method"], cell["num_bits"])
    reasons.setdefault(source, f"With seed {cell['seed']}: {cell['error']}")
  unknown = "The classifier was not measured: the images have no class labels."
  return {
    key: reasons.get(source, unknown)
    for key, source in planned.sources.items()
    if key not in found or source in reasons
  }


def _ablations(planned: Plan, results: Mapping[str, Any]) -> dict[str, bytes]:
  """Returns the report of the comparison of the ablations only."""
  if not planned.ablations:
    return {}
  variants = {name: results["variants"][name] for name in planned.ablations}
  failed = [
    cell for cell in results["failed"] if cell["variant"] in planned.ablations
  ]
  shown = {**results, "variants": variants, "failed": failed}
  return comparison_report.render(cast(VariantResults, shown))
