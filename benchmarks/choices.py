"""Chooses settings on training images, a part of them held out as queries.

    python -m benchmarks.choices --root=FOLDER --workdir=runs/choices

FOLDER holds `train/CLASS/*.jpg`; what lies in `test/` is described, and not
used. Some of the training images are drawn. For every seed, a part of these
becomes the queries, the others are graph, training images and database. One
setting at a time differs from the first value of each; the hash network is a
head on the features, which takes seconds. Features that a call has extracted
are used again by the next. Prints mean and standard deviation over the seeds as
Markdown.
"""

import pathlib
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from absl import app, flags, logging
from ml_collections import ConfigDict

from dsth_jax import comparison, features
from dsth_jax import config as config_lib
from dsth_jax.pipeline import data as data_lib
from dsth_jax.pipeline import feature_extraction, run_dsth
from dsth_jax.runtime import allocator

_ROOT = flags.DEFINE_string(
  "root", None, "The folder of images.", required=True
)
_WORKDIR = flags.DEFINE_string("workdir", "runs/choices", "Where runs go.")
_FEATURES = flags.DEFINE_string(
  "features",
  "",
  "The features/ of a run on the same folder, used instead of extracting them.",
)
_GRID = flags.DEFINE_multi_string(
  "grid",
  [
    "features.backbone=efficientnet_lite0+efficientnet_lite2,"
    "efficientnet_lite0,efficientnet_lite2",
    "features.root=True",
    "features.center=True,False",
    "graph.num_neighbors=12,6,8,16,24",
    "labels.diffusion_time=12,4,8,16,24",
  ],
  "A setting and its values, the one to differ from first.",
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "One split each.")
_NUM_BITS = flags.DEFINE_integer("num_bits", 48, "Length of the codes.")
_NUM_IMAGES = flags.DEFINE_integer("num_images", 20_000, "Images to draw.")
_NUM_QUERIES = flags.DEFINE_integer("num_queries", 2000, "Held out of these.")
_NUM_EPOCHS = flags.DEFINE_integer("num_epochs", 10, "Of the head.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 224, "Of the backbones.")

# Below, the figures of two seeds differ by more than most settings do.
_FEWEST_QUERIES = 500


class Files(NamedTuple):
  """What was drawn.

  Attributes:
    features: path of the features of each backbone.
    labels: path of the classes.
  """

  features: dict[str, pathlib.Path]
  labels: pathlib.Path


def _grid() -> dict[str, list[str]]:
  """Returns the values of every setting, by its name."""
  parts = (entry.partition("=") for entry in _GRID.value)
  return {name: values.split(",") for name, _, values in parts}


def _settings(grid: dict[str, list[str]]) -> Iterator[dict[str, str]]:
  """Yields the first values, then each other value by itself."""
  first = {name: values[0] for name, values in grid.items()}
  yield first
  for name, values in grid.items():
    for value in values[1:]:
      yield first | {name: value}


def _check_flags() -> None:
  """Raises ValueError where too little is held out to choose by."""
  if not _FEWEST_QUERIES <= _NUM_QUERIES.value <= _NUM_IMAGES.value // 2:
    raise ValueError(
      f"--num_queries is {_NUM_QUERIES.value} of --num_images="
      f"{_NUM_IMAGES.value}: choosing needs {_FEWEST_QUERIES} or more queries, "
      "and at most half of the images. Draw more images."
    )
  if len(_SEEDS.value) < 2:
    raise ValueError(
      f"--seeds is {','.join(_SEEDS.value)}: the spread of a figure needs two "
      "or more."
    )


def _draw(workdir: pathlib.Path, backbones: list[str]) -> Files:
  """Describes all images, and writes down what is known of those drawn."""
  config = config_lib.base_config()
  config.data.name, config.data.root = "image_folder", _ROOT.value
  config.data.num_queries = _NUM_QUERIES.value
  config.features.image_size = _IMAGE_SIZE.value
  described = run_dsth.open_workdir(workdir)
  data = data_lib.load(described, config)
  truth = data.dataset.ground_truth
  train = np.flatnonzero(data.dataset.parts == "train")
  if truth is None or truth.classes is None or len(train) < _NUM_IMAGES.value:
    raise ValueError(
      f"{_ROOT.value} has {len(train)} training images, but "
      f"{_NUM_IMAGES.value} with one class each are needed: name a folder "
      "with train/CLASS/, or draw fewer by --num_images."
    )
  rng = np.random.default_rng(0)
  rows = np.sort(rng.choice(train, _NUM_IMAGES.value, replace=False))
  files = Files({}, workdir / "labels.npy")
  np.save(files.labels, truth.classes[rows])
  for name in backbones:
    config.features.backbone = name
    if not _FEATURES.value:
      feature_extraction.extract_features(
        described, config, data.dataset, data.split
      )
    source = pathlib.Path(_FEATURES.value or workdir / "features")
    found = features.open_file(
      source / name / "features.npy", num_images=len(data.dataset.names)
    )
    files.features[name] = workdir / f"{name}.npy"
    np.save(files.features[name], found[rows])
  return files


def _config(settings: dict[str, str], files: Files, seed: int) -> ConfigDict:
  """Returns the settings of one comparison."""
  config = config_lib.use_frozen_backbone(config_lib.base_config())
  with config.unlocked():
    for name, value in settings.items():
      room, _, field = name.rpartition(".")
      old = config[room][field]
      given = value == "True" if isinstance(old, bool) else type(old)(value)
      config[room][field] = given
  parts = config.features.backbone.split("+")
  config.features.file = "+".join(str(files.features[part]) for part in parts)
  config.data.name, config.data.labels_file = "features", str(files.labels)
  config.data.num_queries = _NUM_QUERIES.value
  config.train.num_epochs = _NUM_EPOCHS.value
  config.seed = seed
  config.compare.methods = ("dsth",)
  config.compare.num_bits = (_NUM_BITS.value,)
  config.compare.seeds = (seed,)
  config_lib.validate(config)
  return config


def _measure(
  settings: dict[str, str], files: Files, workdir: pathlib.Path
) -> np.ndarray:
  """Returns mAP and mAP@1000 of every seed."""
  found = []
  for seed in map(int, _SEEDS.value):
    results = comparison.run(
      _config(settings, files, seed), workdir / f"seed-{seed}"
    )
    comparison.refuse_failures(results)
    mean = results["methods"]["dsth"][str(_NUM_BITS.value)]["mean"]
    found.append(
      [mean["mean_average_precision"], mean["mean_average_precision_at_1000"]]
    )
  return np.array(found)


def main(argv: list[str]) -> None:
  """Measures every setting, and prints a row of each as it is known."""
  del argv
  logging.set_verbosity(logging.WARNING)
  workdir = pathlib.Path(_WORKDIR.value)
  grid = _grid()
  joint = [name.split("+") for name in grid["features.backbone"]]
  try:
    _check_flags()
    files = _draw(workdir, sorted({name for names in joint for name in names}))
  except ValueError as error:
    sys.exit(f"benchmarks.choices: {error}")
  first = {name: values[0] for name, values in grid.items()}
  print("| setting | mAP | mAP@1000 |\n| --- | --- | --- |")
  for settings in _settings(grid):
    different = dict(settings.items() - first.items()) or first
    title = ", ".join(f"{name}={value}" for name, value in different.items())
    figures = _measure(settings, files, workdir)
    cells = [
      f"{mean:.3f} ± {spread:.3f}"
      for mean, spread in zip(figures.mean(0), figures.std(0, ddof=1))
    ]
    print(f"| {title} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
  allocator.keep_freed_memory()
  app.run(main)
