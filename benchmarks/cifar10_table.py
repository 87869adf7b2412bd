"""The quality table on CIFAR-10: DSTH, its labels, baselines and ceiling.

    python -m benchmarks.cifar10_table --root=FOLDER --workdir=runs/cifar10

FOLDER holds `train/CLASS/*.jpg` and `test/CLASS/*.jpg`. Every code length is
run with the recommended labels and with the paper's, through the pipeline; an
interrupted call continues where it stopped. Prints the table as Markdown.
"""

import json
import pathlib

from absl import app, flags, logging

from configs import cifar10
from dsth_jax import pipeline
from dsth_jax.runtime import allocator

_ROOT = flags.DEFINE_string(
  "root", None, "The folder of images.", required=True
)
_WORKDIR = flags.DEFINE_string("workdir", "runs/cifar10", "Where runs go.")
_FEATURES = flags.DEFINE_string(
  "features", "", "A .npy of features, used instead of extracting them."
)
_NUM_BITS = flags.DEFINE_list("num_bits", ["48", "32", "16"], "Code lengths.")
_NUM_EPOCHS = flags.DEFINE_integer("num_epochs", 20, "Epochs of a training.")
_SETTINGS = flags.DEFINE_list(
  "settings", ["simplenet", "paper_labels"], "Settings of configs/cifar10.py."
)

_COLUMNS = {
  "mAP": lambda found: found["mean_average_precision"],
  "mAP@1000": lambda found: found["mean_average_precision_at_1000"],
  **{
    f"P@R {level}": (
      lambda found, level=level: found["precision_at_recall"][
        found["recall_levels"].index(level)
      ]
    )
    for level in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
  },
  "max F 0.5": lambda found: found["max_f_beta_0.5"],
  "max F 0.25": lambda found: found["max_f_beta_0.25"],
  "HD3P": lambda found: found.get("hd3p"),
  "NC3P": lambda found: found.get("nc3p"),
}


def _run(num_bits: int, setting: str, workdir: pathlib.Path) -> dict:
  """Runs one cell of the table."""
  config = cifar10.get_config(setting)
  config.num_bits = num_bits
  config.train.num_epochs = _NUM_EPOCHS.value
  config.data.name = "image_folder"
  config.data.root = _ROOT.value
  config.features.file = _FEATURES.value or _shared_features(
    workdir, config.features.backbone
  )
  return pipeline.run(config, workdir / f"{setting}-{num_bits}")


def _shared_features(workdir: pathlib.Path, backbones: str) -> str:
  """Returns the features that an earlier run has extracted, if there is one."""
  for run in sorted(workdir.glob("*/features")):
    files = [run / name / "features.npy" for name in backbones.split("+")]
    if all(file.exists() for file in files):
      return "+".join(map(str, files))
  return ""


def _rows(found: dict[tuple[int, str], dict]) -> list[tuple[str, dict]]:
  """Names the methods of every code length, the ceiling first."""
  first = next(iter(found.values()))
  rows = [("features, cosine", first["held_out"]["cosine"])]
  for (num_bits, setting), results in found.items():
    held_out, training = results["held_out"], results["training"]
    rows.append((f"{num_bits} bits, DSTH, {setting}", held_out["dsth"]))
    rows.append((f"{num_bits} bits, labels, {setting} *", training["labels"]))
    if setting == "simplenet":
      rows.append((f"{num_bits} bits, ITQ on the features", held_out["itq"]))
      rows.append((f"{num_bits} bits, LSH on the features", held_out["lsh"]))
  rows.append(("features, cosine *", first["training"]["cosine"]))
  return rows


def _print_table(rows: list[tuple[str, dict]]) -> None:
  print("| codes | " + " | ".join(_COLUMNS) + " |")
  print("| --- |" + " --- |" * len(_COLUMNS))
  for name, found in rows:
    values = [column(found) for column in _COLUMNS.values()]
    cells = ["" if value is None else f"{value:.3f}" for value in values]
    print(f"| {name} | " + " | ".join(cells) + " |")
  print("\n* training images against all other training images")


def main(argv: list[str]) -> None:
  """Runs every cell that is not finished, then prints the table."""
  del argv
  logging.set_verbosity(logging.INFO)
  workdir = pathlib.Path(_WORKDIR.value)
  found = {}
  for num_bits in map(int, _NUM_BITS.value):
    for setting in _SETTINGS.value:
      finished = workdir / f"{setting}-{num_bits}" / "metrics.json"
      if finished.exists():
        found[num_bits, setting] = json.loads(finished.read_text())
      else:
        found[num_bits, setting] = _run(num_bits, setting, workdir)
  _print_table(_rows(found))


if __name__ == "__main__":
  allocator.keep_freed_memory()
  app.run(main)
