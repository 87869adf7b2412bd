"""What the paper measured: the cells of each of its tables and figures.

>>> len(EXPERIMENTS["table3"]), sorted({key.dataset for key in cells("fig8")})
(32, ['cifar10', 'stl10'])
"""

import itertools
from collections.abc import Collection, Iterator
from typing import Any

from dsth_jax.paper.results import Key

# Sections IV-A to IV-C; the code lengths are those on the axes of Fig. 2.
SMALL = ("cifar10", "stl10", "cifar100_coarse", "cifar100_fine")
# Section IV-D.
CHALLENGING = ("oxford105k", "holidays1m", "flickr_logos32")
DATASETS = (*SMALL, *CHALLENGING)
BACKBONES = ("alexnet", "googlenet")
HEADS = ("mlp", "slice")
ACTIVATIONS = ("batchnorm", "sigmoid")
LENGTHS = (16, 32, 48, 64)
# Of Table III, and of the curves in Fig. 3 to 8.
LENGTH = {
  "cifar10": 48,
  "stl10": 32,
  "cifar100_coarse": 48,
  "cifar100_fine": 48,
}
# Fig. 7, where DSH is density sensitive hashing, Fig. 8 and Table V, where it is
# deep supervised hashing.
UNSUPERVISED = ("sklsh", "sh", "itq", "sth", "sph", "density_dsh", "lsh")
SUPERVISED = ("cnnh", "ksh", "bre", "cca_itq")
DEEP = ("dlbh", "deepbit", "aibc", "deep_dsh", "supervised_ssdh")
# The precision of a classifier on a backbone, which is trained with labels.
CLASSIFICATION = "classification"
# Section IV-C compares this configuration with other methods.
_MAIN = ("googlenet", "slice", "batchnorm")


def _configurations(
  datasets: Collection[str], lengths: Collection[int] = ()
) -> Iterator[Key]:
  """Yields each backbone, head and activation, on each data set."""
  for dataset, backbone, head, activation in itertools.product(
    datasets, BACKBONES, HEADS, ACTIVATIONS
  ):
    for num_bits in lengths or (LENGTH[dataset],):
      yield Key(dataset, backbone, head, activation, False, "dsth", num_bits)


def _classification() -> Iterator[Key]:
  """Yields the cells of Table II that have a figure."""
  for dataset in SMALL:
    for backbone in (*BACKBONES, "simplenet"):
      yield Key(dataset, backbone, "", "", True, CLASSIFICATION, 0)
  yield Key("flickr_logos32", "simplenet", "", "", True, CLASSIFICATION, 0)


def _contrast(methods: Collection[str], labels: bool) -> Iterator[Key]:
  """Yields DSTH and other methods at all code lengths (Fig. 7 and 8)."""
  for dataset, num_bits in itertools.product(("cifar10", "stl10"), LENGTHS):
    yield Key(dataset, *_MAIN, labels, "dsth", num_bits)
    for method in methods:
      yield Key(dataset, _MAIN[0], "", "", labels, method, num_bits)


def _labels() -> Iterator[Key]:
  """Yields the cells of Table IV."""
  for dataset, labels in itertools.product(("cifar10", "stl10"), (False, True)):
    yield Key(dataset, *_MAIN, labels, "dsth", LENGTH[dataset])


def _deep() -> Iterator[Key]:
  """Yields the cells of Table V."""
  for dataset, num_bits in itertools.product(CHALLENGING, (16, 32)):
    yield Key(dataset, "vgg16", *_MAIN[1:], False, "dsth", num_bits)
    for method in DEEP:
      yield Key(dataset, "vgg16", "", "", False, method, num_bits)


def _negative() -> Iterator[Key]:
  """Yields what section IV-E calls bad, and what it is compared with.

  SimpleNet has no pretrained weights, so class labels train it; GoogLeNet with
  labels is beside it.
  """
  dataset, length = "cifar10", LENGTH["cifar10"]
  for head, activation in itertools.product(HEADS, ("batchnorm", "relu")):
    for backbone, labels in (("googlenet", False), ("simplenet", True)):
      yield Key(dataset, backbone, head, activation, labels, "dsth", length)
  yield Key(dataset, *_MAIN, True, "dsth", length)


EXPERIMENTS: dict[str, tuple[Key, ...]] = {
  "table2": tuple(_classification()),
  "table3": tuple(_configurations(SMALL)),
  "table4": tuple(_labels()),
  "table5": tuple(_deep()),
  "fig2": tuple(_configurations(SMALL, LENGTHS)),
  "fig3": tuple(_configurations(["cifar10"])),
  "fig4": tuple(_configurations(["stl10"])),
  "fig5": tuple(_configurations(["cifar100_coarse"])),
  "fig6": tuple(_configurations(["cifar100_fine"])),
  "fig7": tuple(_contrast(UNSUPERVISED, False)),
  "fig8": tuple(_contrast(SUPERVISED, True)),
  "ablations": tuple(_negative()),
}

# Of the main configuration, by name: settings that `ablations` changes beside
# the cells above. The paper's hash labels:
PAPER_ABLATIONS: dict[str, dict[str, Any]] = {
  "mutual": {"graph.symmetrize": "mutual"},
  "median": {"labels.threshold": "median"},
  "centered": {"features.center": True},
  "rooted": {"features.root": True},
  **{f"k-{k}": {"graph.num_neighbors": k} for k in (4, 8, 16, 20)},
}
# Of this package's hash labels:
DIFFUSION_ABLATIONS: dict[str, dict[str, Any]] = {
  f"time-{time}": {"labels.diffusion_time": float(time)}
  for time in (1, 2, 4, 8, 16, 32)
}


def cells(
  experiment: str, labels: Collection[str] = ("dsth",)
) -> tuple[Key, ...]:
  """Returns the cells of an experiment, each once.

  Args:
    experiment: a name in `EXPERIMENTS`, or several joined by commas; all for
      all of them.
    labels: dsth for the paper's hash labels, dsth_diffusion for this package's:
      each cell of DSTH is measured with all of these.

  Raises:
    ValueError: there is no such experiment.
  """
  names = names_of(experiment)
  return tuple(
    dict.fromkeys(
      key._replace(method=method)
      for name in names
      for key in EXPERIMENTS[name]
      for method in (labels if key.method == "dsth" else (key.method,))
    )
  )


def names_of(experiment: str) -> tuple[str, ...]:
  """Returns the names of the experiments that are asked for.

  Raises:
    ValueError: there is no such experiment.
  """
  if experiment == "all":
    return tuple(EXPERIMENTS)
  names = tuple(dict.fromkeys(experiment.split(",")))
  for name in names:
    if name not in EXPERIMENTS:
      raise ValueError(
        f"--experiment is {name!r}, but must be one of "
        f"{', '.join(EXPERIMENTS)} or all; several are joined by commas."
      )
  return names
