"""The whole line, from images to a measured, searchable hash.

Only this package reads the fields of a configuration. Each stage is an
artefact in the working directory, made anew when something it depends on
changed, and reused otherwise.
"""

import pathlib
from typing import Any, cast

import numpy as np
from absl import logging
from ml_collections import ConfigDict

from dsth_jax import codes, report
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import (
  evaluation,
  label_generation,
  methods,
  training,
  training_log,
)
from dsth_jax.pipeline import student as student_lib
from dsth_jax.pipeline.data import Data
from dsth_jax.pipeline.workdir import Run, environment
from dsth_jax.runtime import artifacts


def run(config: ConfigDict, workdir: pathlib.Path) -> dict:
  """Runs every stage whose artefact is not current; returns the results.

  Args:
    config: from `dsth_jax.config`, validated.
    workdir: the run's directory; made if it is missing.

  Returns:
    What `metrics.json` holds; see `dsth_jax.report`.

  Raises:
    ValueError: the data does not fit the settings, or a stage refuses.
    OSError: the directory cannot be written.
  """
  workdir.mkdir(parents=True, exist_ok=True)
  artifacts.write_text(workdir / "config.json", config.to_json(indent=2))
  artifacts.write_json(workdir / "environment.json", environment())
  this = Run(workdir)

  data = data_lib.load(this, config)
  methods.check(("dsth", *config.eval.baselines), data)
  data_lib.check_training_size(config, data)
  described = label_generation.extract_features(this, config, data)
  points = label_generation.centred(config, data, described)
  pixels = training.write_pixels(this, config, data)
  inputs = methods.Inputs(data, points, pixels)
  student = student_lib.fit(student_lib.Runs(this, this, this), config, inputs)
  hash_labels, embedding = student.labels, student.embedding
  packed_codes = np.asarray(student.codes["packed"])

  def packed() -> evaluation.Packed:
    baselines = evaluation.encode_baselines(config, inputs)
    of_labels = {
      "labels": codes.pack(np.asarray(hash_labels["codes"])),
      "paper_labels": codes.pack(label_generation.paper_labels(embedding)),
    }
    return evaluation.Packed(
      everywhere={"student": packed_codes, **baselines},
      training={name: np.asarray(rows) for name, rows in of_labels.items()},
    )

  judged = evaluation.judge(this, config, inputs, packed, student.fingerprint)
  results: dict[str, Any] = {
    "summary": _summary(config, data),
    **judged,
    "stages": this.stages,
    "graph": student.graph._asdict(),
    "embedding": {
      "eigenvalues": np.asarray(embedding.eigenvalues).tolist(),
      "max_residual": float(np.max(embedding.residuals)),
      "num_iters": embedding.num_iters,
    },
    "losses": training_log.read_losses(workdir / "logs"),
    "skipped": [list(entry) for entry in data.dataset.skipped],
    "environment": environment(),
  }
  artifacts.write_json(workdir / "metrics.json", results)
  sheet = evaluation.picture_sheet(config, data, packed_codes)
  report.write(workdir / "report", cast(report.Results, results), sheet)
  evaluation.say_headline(results)
  logging.info("Open %s", workdir / "report" / "index.html")
  return results


def _summary(config: ConfigDict, data: Data) -> dict[str, Any]:
  """Says in a few words what was run."""
  size = config.model.image_size
  return {
    **data_lib.describe(config, data),
    "num_bits": config.num_bits,
    "labels": config.labels.method,
    "student": f"SimpleNet {size}x{size}, {config.model.head} head, "
    f"{config.model.activation}",
  }
