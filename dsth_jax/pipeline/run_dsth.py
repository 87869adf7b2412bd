"""The whole line, from images to a measured, searchable hash function."""

import pathlib
from typing import Any, cast

import numpy as np
from absl import logging
from ml_collections import ConfigDict

from dsth_jax import codes, report
from dsth_jax.baselines import BASELINES
from dsth_jax.models.hash_models import HASH_MODELS
from dsth_jax.pipeline import (
  collapse,
  dsth,
  evaluation,
  methods,
  small_sets,
  training_log,
)
from dsth_jax.pipeline import (
  data as data_lib,
)
from dsth_jax.pipeline.feature_extraction import extract_features
from dsth_jax.pipeline.inputs import (
  Inputs,
  encoded_image_size,
  image_size,
  network_inputs,
)
from dsth_jax.pipeline.picture_sheet import picture_sheet
from dsth_jax.pipeline.resized_images import resize_images
from dsth_jax.pipeline.view_extraction import extract_views
from dsth_jax.pipeline.workdir import (
  Dependency,
  Workdir,
  environment,
)
from dsth_jax.runtime import artifacts, locks


def run(config: ConfigDict, path: pathlib.Path) -> dict[str, Any]:
  """Runs every stage whose artifact is not current; returns the results.

  Args:
    config: from `dsth_jax.config`, validated.
    path: the run's directory; made if it is missing.

  Returns:
    What `metrics.json` holds; see `dsth_jax.report`.

  Raises:
    ValueError: the data does not fit the settings, a stage refuses, another
      process works in the directory, or the training has collapsed; all that is
      finite is written before.
    OSError: the directory cannot be written.
  """
  artifacts.check_formats(path)
  with locks.held(path):
    return data_lib.with_intact_images(config, lambda: _run(config, path))


def _run(config: ConfigDict, path: pathlib.Path) -> dict[str, Any]:
  workdir = open_workdir(path, config)
  dataset = data_lib.open_images(workdir, config)
  config = small_sets.fit(config, dataset)
  data = data_lib.split(workdir, config, dataset)
  names = ("dsth", *config.eval.baselines)
  methods.check(config, names, data)
  data_lib.check_training_size(config, data)
  write_settings(workdir, config)
  inputs = make_inputs(workdir, config, data, names)
  stages = dsth.fit(dsth.Workdirs(workdir, workdir, workdir), config, inputs)
  evaluated = evaluation.evaluate(
    workdir,
    config,
    inputs,
    stages,
    lambda: _encode_baselines(config, inputs),
    _baseline_dependencies(config, inputs),
  )
  embedding = stages.embedding.arrays
  results: dict[str, Any] = {
    "summary": _summary(config, data),
    **evaluated.json("results"),
    "stages": workdir.stages,
    "graph": stages.embedding.json("graph"),
    "embedding": {
      "eigenvalues": embedding["eigenvalues"].tolist(),
      "max_residual": float(np.max(embedding["residuals"])),
      "num_iters": int(embedding["num_iters"]),
    },
    "losses": stages.training.json(training_log.LOSSES),
    "skipped": [list(entry) for entry in data.dataset.skipped],
    "account": data_lib.count(data.dataset)._asdict(),
    "environment": _environment(workdir),
  }
  artifacts.write_json(path / "environment.json", _environment(workdir))
  artifacts.write_json(path / "metrics.json", results)
  sheet = picture_sheet(config, data, np.asarray(stages.codes.arrays["packed"]))
  report.write(path / "report", cast(report.Results, results), sheet)
  evaluation.log_headline(results)
  page = path / "report" / "index.html"
  logging.info("Open %s", page)
  collapse.refuse(config, results["statistics"]["dsth"], page)
  return results


def open_workdir(path: pathlib.Path, config: ConfigDict) -> Workdir:
  """Opens a working directory, unless it is of a newer version."""
  artifacts.check_formats(path)
  return Workdir(path, config.workdir.check_gigabytes)


def write_settings(workdir: Workdir, config: ConfigDict) -> None:
  """Writes down the settings, once nothing refuses them, and the machine."""
  text = config.to_json(indent=2)
  artifacts.write_text(workdir.path / "config.json", text)
  artifacts.write_json(workdir.path / "environment.json", environment())


def make_inputs(
  workdir: Workdir,
  config: ConfigDict,
  data: data_lib.Data,
  names: tuple[str, ...],
  *,
  pixels: Workdir | None = None,
) -> Inputs:
  """Makes what the methods of these names learn from.

  Args:
    workdir: of the features.
    config: of the run.
    data: its images.
    names: of the methods.
    pixels: of the images that networks see; None: the same.
  """
  described = extract_features(workdir, config, data.dataset, data.split)
  images = None
  if any(methods.seen(config, name) == "images" for name in names):
    images = resize_images(
      workdir if pixels is None else pixels, data.dataset, image_size(config)
    )
  drawn = {name: BASELINES[name].views for name in names if name in BASELINES}
  views = {
    name: extract_views(workdir, config, data, described, name, draw)
    for name, draw in drawn.items()
    if draw is not None
  }
  return Inputs(data, described, images, views)


def _encode_baselines(
  config: ConfigDict, inputs: Inputs
) -> evaluation.Baselines:
  """Fits the baselines on the training images, and encodes all images.

  One that refuses these images leaves the others, and says why.
  """
  packed, not_fitted = {}, {}
  for name in config.eval.baselines:
    try:
      encoder = methods.fitting(config, inputs, name)()
      bits = encoder.encode(inputs.rows(methods.seen(config, name)))
    except ValueError as error:
      logging.warning("The baseline %s cannot be fitted: %s", name, error)
      not_fitted[name] = str(error)
      continue
    packed[name] = np.asarray(codes.pack(bits))
  return evaluation.Baselines(packed, not_fitted)


def _baseline_dependencies(
  config: ConfigDict, inputs: Inputs
) -> list[Dependency]:
  """Returns what the codes of the baselines follow from."""
  found: list[Dependency] = []
  for name in config.eval.baselines:
    found += methods.depends_on(config, inputs, name)
  return found


def _summary(config: ConfigDict, data: data_lib.Data) -> dict[str, Any]:
  """Says in a few words what was run."""
  return {
    **data_lib.describe(config, data),
    "num_bits": config.num_bits,
    "labels": config.labels.method,
    "network": _network(config),
    "network_inputs": network_inputs(config),
  }


def _environment(workdir: Workdir) -> dict[str, str]:
  """Returns this command's versions, and others that made an artifact."""
  now = environment()
  others = {
    f"{name} was made by": ", ".join(
      f"{key} {value}"
      for key, value in made_by.items()
      if now.get(key) != value
    )
    for name, made_by in workdir.made_by.items()
  }
  return {**now, **{name: value for name, value in others.items() if value}}


def _network(config: ConfigDict) -> str:
  """Names the hash network, its image size and its own settings."""
  module = HASH_MODELS[config.model.network].build(
    config.num_bits, config.model.to_dict()
  )
  own = [name for name in config.model if hasattr(module, name)]
  size = encoded_image_size(config)
  return ", ".join(
    [
      f"{config.model.network} on {size}x{size} pixels",
      *(f"{name} {config.model[name]}" for name in own),
    ]
  )
