"""The paper's Tables II to V as printed, and what is odd about them.

>>> from dsth_jax.paper.results import Key
>>> key = Key("cifar10", "googlenet", "slice", "batchnorm", False, "dsth", 48)
>>> table("table3")[key]["max_f_beta_0.5"]
0.66658

References:
  Liu et al., Deep Self-Taught Hashing for Image Retrieval, IEEE Transactions on
  Cybernetics, 2018.
"""

import csv
import functools
import importlib.resources
import types
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dsth_jax.paper import experiments
from dsth_jax.paper.results import Key, Measured, Metrics

_Line = Mapping[str, str]

# The paper's Table V has two code lengths.
_TABLE_5_BITS = (16, 32)


class Oddity(NamedTuple):
  """Something in the paper that does not fit, or that it leaves open.

  Attributes:
    experiments: the tables and figures that it concerns.
    where: data set, backbone, head, activation, labels and column of the
      entries that it concerns; those that are left out are any. Empty if it
      does not concern single entries.
    text: what it is.
    here: what this package does instead.
  """

  experiments: tuple[str, ...]
  where: Mapping[str, str]
  text: str
  here: str

  @property
  def sentence(self) -> str:
    """What it is, and what is done here."""
    return f"{self.text} Here: {self.here}"

  def concerns(self, key: Key, column: str) -> bool:
    """Whether it is about an entry of a table."""
    entry = {
      **key._asdict(),
      "labels": "yes" if key.labels else "no",
      "column": column,
    }
    return bool(self.where) and all(
      str(entry[name]) == value for name, value in self.where.items()
    )


def table(name: str) -> Measured:
  """Returns the published figures of a table, under the names of metrics.

  Args:
    name: table2, table3, table4 or table5.

  Returns:
    Figures by cell, in the order of the paper:

    * table2: `classification`, the share of images in the right class; cells
      without a figure are left out;
    * table3 and table4: `precision_at_recall` at `recall_levels`, and
      `max_f_beta_0.5` and `max_f_beta_0.25`;
    * table5: `mean_average_precision` and `hd3p`.

  Raises:
    ValueError: the paper has no such table.
  """
  if name not in _READERS:
    raise ValueError(
      f"the table is {name}, but figures are published in "
      f"{', '.join(_READERS)}: pass one of these."
    )
  return _tables()[name]


def oddities(experiment: str) -> list[Oddity]:
  """Returns what is odd or open about a table or figure of the paper.

  Args:
    experiment: table2 to table5, or fig2 to fig8.
  """
  found = []
  for line in _lines("oddities"):
    selectors = ("dataset", "backbone", "head", "activation", "labels")
    where = {name: line[name] for name in (*selectors, "column") if line[name]}
    oddity = Oddity(
      tuple(line["experiments"].split()), where, line["text"], line["here"]
    )
    if experiment in oddity.experiments:
      found.append(oddity)
  return found


@functools.cache
def _tables() -> Mapping[str, Measured]:
  return {
    name: types.MappingProxyType(
      {key: value for line in _lines(name) for key, value in read(line).items()}
    )
    for name, read in _READERS.items()
  }


@functools.cache
def _lines(name: str) -> tuple[_Line, ...]:
  folder = importlib.resources.files("dsth_jax.paper") / "published"
  text = (folder / f"{name}.csv").read_text(encoding="utf-8")
  return tuple(csv.DictReader(text.splitlines()))


def _classification(line: _Line) -> dict[Key, Metrics]:
  return {
    Key(
      line["dataset"], backbone, "", "", True, experiments.CLASSIFICATION, 0
    ): {experiments.CLASSIFICATION: float(line[backbone])}
    for backbone in ("alexnet", "googlenet", "simplenet")
    if line[backbone]
  }


def _configuration(line: _Line) -> dict[Key, Metrics]:
  configuration = (line["backbone"], line["head"], line["activation"])
  return {_dsth(line, *configuration, labels=False): _retrieval(line)}


def _with_or_without_labels(line: _Line) -> dict[Key, Metrics]:
  # Section IV-C: GoogLeNet and Slice+BatchNorm.
  configuration = ("googlenet", "slice", "batchnorm")
  key = _dsth(line, *configuration, labels=line["labels"] == "yes")
  return {key: _retrieval(line)}


def _dsth(
  line: _Line, backbone: str, head: str, activation: str, *, labels: bool
) -> Key:
  num_bits = int(line["num_bits"])
  return Key(
    line["dataset"], backbone, head, activation, labels, "dsth", num_bits
  )


def _retrieval(line: _Line) -> Metrics:
  prefix = "recall_"
  levels = [name for name in line if name.startswith(prefix)]
  return {
    "recall_levels": [float(name.removeprefix(prefix)) for name in levels],
    "precision_at_recall": [float(line[name]) for name in levels],
    **{name: float(line[name]) for name in line if name.startswith("max_f_")},
  }


def _method(line: _Line) -> dict[Key, Metrics]:
  method = line["method"]
  # Section IV-D: VGG16. It names no head; IV-C has Slice+BatchNorm.
  network = ("slice", "batchnorm") if method == "dsth" else ("", "")
  return {
    Key(line["dataset"], "vgg16", *network, False, method, num_bits): {
      "mean_average_precision": float(line[f"map_{num_bits}"]),
      "hd3p": float(line[f"hd3p_{num_bits}"]),
    }
    for num_bits in _TABLE_5_BITS
  }


_READERS: Mapping[str, Callable[[_Line], dict[Key, Metrics]]] = {
  "table2": _classification,
  "table3": _configuration,
  "table4": _with_or_without_labels,
  "table5": _method,
}
