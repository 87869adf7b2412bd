"""The paper's tables and figures: `python -m dsth_jax.paper --experiment=...`."""

import functools
import pathlib

from absl import app, flags, logging

from dsth_jax import report
from dsth_jax.cli import errors, quiet
from dsth_jax.paper import budgets, experiments, rendering, request, run
from dsth_jax.report import comparison as comparison_report
from dsth_jax.runtime import allocator

_EXPERIMENT = flags.DEFINE_string(
  "experiment",
  None,
  f"{', '.join(experiments.EXPERIMENTS)}; several are joined by commas, or all.",
)
_DATA = flags.DEFINE_string(
  "data",
  None,
  "A folder with a folder a data set (cifar10, stl10, ...) of its published "
  "archives, or with train/CLASS and test/CLASS; or the folder of the only one.",
)
_WORKDIR = flags.DEFINE_string(
  "workdir", "runs/paper", "Where the results go; rerun to go on."
)
_BUDGET = flags.DEFINE_enum(
  "budget",
  "paper",
  list(budgets.BUDGETS),
  " ".join(f"{name}: {each.text}" for name, each in budgets.BUDGETS.items()),
)
_DATASETS = flags.DEFINE_list(
  "datasets", [], "A part of the experiment's data sets."
)
_BACKBONES = flags.DEFINE_list(
  "backbones",
  [],
  "One or two that stand in for the paper's: the last one for GoogLeNet and "
  "VGG16, the first of two for AlexNet.",
)
_WEIGHTS = flags.DEFINE_list(
  "weights", [], "Files of weights, as in alexnet=FILE,googlenet=FILE."
)
_LABELS = flags.DEFINE_enum(
  "labels",
  "paper",
  [*request.LABELS, "both"],
  "DSTH's hash labels: the paper's, those this package recommends, or both.",
)
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Every cell is measured with each.")
_NUM_BITS = flags.DEFINE_list(
  "num_bits", [], "A part of the experiment's code lengths."
)
_DATA_DIR = flags.DEFINE_string(
  "data_dir", "", "Where prepared data is kept; by default TFDS's own folder."
)


def _given(flag: flags.FlagHolder[str | None]) -> str:
  if flag.value is None:
    raise ValueError(
      f"--{flag.name} is missing: pass --experiment=NAME --data=FOLDER "
      "--workdir=FOLDER; --help says what they are."
    )
  return flag.value


def _main(argv: list[str]) -> None:
  del argv
  errors.log_only_ours()
  quiet.apply()
  errors.run(_measure_and_render, _WORKDIR.value)


def _measure_and_render() -> None:
  """Measures what the flags ask for, and writes its tables and figures."""
  workdir = pathlib.Path(_WORKDIR.value).expanduser()
  wanted = request.parse(
    _given(_EXPERIMENT),
    budget=_BUDGET.value,
    datasets=_DATASETS.value,
    backbones=_BACKBONES.value,
    weights=_WEIGHTS.value,
    labels=_LABELS.value,
    seeds=_SEEDS.value,
    num_bits=_NUM_BITS.value,
  )
  data = pathlib.Path(_given(_DATA)).expanduser()
  found = run.run(wanted, data, workdir, _DATA_DIR.value)
  for name in experiments.names_of(wanted.experiment):
    context = run.part(found.context, name)
    files = rendering.render(name, found.measured, context)
    report.write_files(workdir / name, files, known=rendering.FILES)
    logging.info("Open %s", workdir / name / "index.html")
  if found.ablations:
    settings = workdir / "ablations" / "settings"
    known = comparison_report.FILES
    report.write_files(settings, found.ablations, known=known)
  run.refuse_failures(found)


if __name__ == "__main__":
  allocator.keep_freed_memory()
  hint = "every setting is a flag, as in --experiment=table3."
  app.run(_main, flags_parser=functools.partial(errors.parse_flags, hint=hint))
