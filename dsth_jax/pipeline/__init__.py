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

from dsth_jax import checkpoint, codes, report
from dsth_jax.pipeline import evaluation, labels, learning, losses, methods
from dsth_jax.pipeline.run import Run, environment


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
  checkpoint.write_text(workdir / "config.json", config.to_json(indent=2))
  checkpoint.write_json(workdir / "environment.json", environment())
  this = Run(workdir)

  data = labels.load_data(this, config)
  methods.check(("dsth", *config.eval.baselines), data)
  labels.check_training_size(config, data)
  described = labels.extract_features(this, config, data)
  points = labels.centred(config, data, described)
  training = points[data.splits.training]
  neighbors, graph_print = labels.build_graph(this, config, data, training)
  affinity, graph_report = labels.join_graph(config, neighbors, training)
  embedding, embedding_print = labels.embed(this, config, affinity, graph_print)
  hash_labels, labels_print = labels.make_labels(
    this, config, embedding, embedding_print
  )

  pixels = learning.write_pixels(this, config, data)
  variables, training_print = learning.learn(
    this, config, data, pixels, hash_labels, labels_print
  )
  encoded, codes_print = learning.encode_images(
    this, config, data, pixels, hash_labels, variables, training_print
  )
  student = np.asarray(encoded["packed"])
  inputs = methods.Inputs(data, points, pixels)

  def packed() -> evaluation.Packed:
    baselines = evaluation.encode_baselines(config, inputs)
    of_labels = {
      "labels": codes.pack(np.asarray(hash_labels["codes"])),
      "paper_labels": codes.pack(labels.paper_labels(embedding)),
    }
    return evaluation.Packed(
      everywhere={"student": student, **baselines},
      training={name: np.asarray(rows) for name, rows in of_labels.items()},
    )

  judged = evaluation.judge(this, config, inputs, packed, codes_print)
  results: dict[str, Any] = {
    "summary": _summary(config, data),
    **judged,
    "stages": this.stages,
    "graph": graph_report._asdict(),
    "embedding": {
      "eigenvalues": np.asarray(embedding.eigenvalues).tolist(),
      "max_residual": float(np.max(embedding.residuals)),
      "num_iters": embedding.num_iters,
    },
    "losses": losses.read_losses(workdir / "logs"),
    "skipped": [list(entry) for entry in data.dataset.skipped],
    "environment": environment(),
  }
  checkpoint.write_json(workdir / "metrics.json", results)
  sheet = evaluation.picture_sheet(config, data, student)
  report.write(workdir / "report", cast(report.Results, results), sheet)
  evaluation.say_headline(results)
  logging.info("Open %s", workdir / "report" / "index.html")
  return results


def _summary(config: ConfigDict, data: labels.Data) -> dict:
  """Says in a few words what was run."""
  size = config.model.image_size
  folder = pathlib.Path(config.data.root).name
  return {
    "dataset": folder or config.data.name,
    "protocol": config.data.protocol,
    "num_images": len(data.dataset.images),
    "num_queries": len(data.splits.query),
    "num_database": len(data.splits.database),
    "num_training": len(data.splits.training),
    "num_bits": config.num_bits,
    "backbone": config.features.file or config.features.backbone,
    "labels": config.labels.method,
    "student": f"SimpleNet {size}x{size}, {config.model.head} head, "
    f"{config.model.activation}",
  }
