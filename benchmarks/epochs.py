"""How many epochs each deep method needs, chosen on held-out training images.

    python -m benchmarks.epochs --root=FOLDER --workdir=runs/epochs

FOLDER holds `train/CLASS/*.jpg`; a part of these images are the queries, and the
test part is not used. Heads on features need no images, but for those that
learn from views:

    python -m benchmarks.epochs --features=FEATURES.npy --labels=LABELS.npy \
        --methods=greedyhash,bihalf --epochs=10,30,100

Prints a table of mAP, mAP@1000 and seconds of fitting.
"""

import pathlib
from collections.abc import Iterator
from typing import NamedTuple

from absl import app, flags, logging
from ml_collections import ConfigDict

from configs import compare_cifar10
from dsth_jax import comparison
from dsth_jax import config as config_lib
from dsth_jax.runtime import allocator

_ROOT = flags.DEFINE_string("root", "", "The folder of images.")
_FEATURES = flags.DEFINE_string("features", "", "A .npy of features [n d].")
_LABELS = flags.DEFINE_string(
  "labels", "", "A .npy of class numbers [n], in place of --root."
)
_WORKDIR = flags.DEFINE_string("workdir", "runs/epochs", "Where cells go.")
_METHODS = flags.DEFINE_list(
  "methods", list(config_lib.HEADS), "Deep methods, see dsth_jax.baselines."
)
_EPOCHS = flags.DEFINE_list("epochs", ["10", "30", "100"], "Their epochs.")
_BITS = flags.DEFINE_integer("num_bits", 48, "Bits of a code.")
_QUERIES = flags.DEFINE_integer("num_queries", 2000, "Held-out images.")
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Each trains again.")

_MAP = "mean_average_precision"


class Row(NamedTuple):
  """The figures of a method after a number of epochs, means over the seeds."""

  method: str
  num_epochs: int
  map: float
  map_at_1000: float
  seconds: float


def _config(num_epochs: int) -> ConfigDict:
  """Returns a comparison whose deep methods all take some epochs."""
  config = compare_cifar10.get_config("heads")
  config.data.protocol = "holdout"
  config.data.num_queries = _QUERIES.value
  config.data.root, config.features.file = _ROOT.value, _FEATURES.value
  if not _ROOT.value:
    config.data.name, config.data.labels_file = "features", _LABELS.value
  config.compare.methods = tuple(_METHODS.value)
  config.compare.num_bits = (_BITS.value,)
  config.compare.seeds = tuple(map(int, _SEEDS.value))
  for name in _METHODS.value:
    deep = (*config_lib.HEADS, *config_lib.FROM_PIXELS)
    config_lib.choose("compare.methods", name, deep)
    config.baselines[name].recipe.num_epochs = num_epochs
  config_lib.validate(config)
  return config


def measure() -> Iterator[Row]:
  """Yields a row per method and number of epochs.

  All share one directory, in which features and views are described once.
  """
  for num_epochs in map(int, _EPOCHS.value):
    results = comparison.run(_config(num_epochs), pathlib.Path(_WORKDIR.value))
    comparison.refuse_failures(results)
    for method, by_bits in results["methods"].items():
      found = by_bits[str(_BITS.value)]["mean"]
      yield Row(
        method,
        num_epochs,
        found[_MAP],
        found[f"{_MAP}_at_1000"],
        found["fit_seconds"],
      )


def table(rows: list[Row]) -> str:
  """Returns the rows as Markdown, method by method."""
  lines = ["| method | epochs | mAP | mAP@1000 | seconds |"]
  lines.append("| --- |" + " --- |" * 4)
  for row in sorted(rows, key=lambda row: (row.method, row.num_epochs)):
    lines.append(
      f"| {row.method} | {row.num_epochs} | {row.map:.3f} | "
      f"{row.map_at_1000:.3f} | {row.seconds:.1f} |"
    )
  return "\n".join(lines)


def main(argv: list[str]) -> None:
  """Measures, and prints the table."""
  del argv
  logging.set_verbosity(logging.INFO)
  print(table(list(measure())))


if __name__ == "__main__":
  allocator.keep_freed_memory()
  app.run(main)
