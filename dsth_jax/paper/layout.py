"""The paper's tables: which cells they have, measured beside published."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dsth_jax.metrics import curves
from dsth_jax.paper import experiments, names, published
from dsth_jax.paper.context import Context
from dsth_jax.paper.results import Key, Measured, Metrics


class Column(NamedTuple):
  """A column of figures.

  Attributes:
    metric: a level of recall as text, or the name of a metric.
    name: its heading.
    group: the heading above it.
    where: fields of the cells in this column that differ from the row's.
  """

  metric: str
  name: str
  group: str
  where: Mapping[str, Any] = {}


class Entry(NamedTuple):
  """A cell, measured and published.

  Attributes:
    published_key: the cell as the paper has it.
    key: the cell as it was measured; another backbone may stand in.
    column: the name of the metric.
    measured: None if it was not.
    published: None if it was not.
    reason: why it was not measured, "" if it was.
    oddities: what is odd about the published figure, and what is done here.
  """

  published_key: Key
  key: Key
  column: str
  measured: float | None
  published: float | None
  reason: str
  oddities: tuple[str, ...]

  @property
  def notes(self) -> tuple[str, ...]:
    """All that is to be said about it."""
    return (self.reason, *self.oddities) if self.reason else self.oddities

  @property
  def difference(self) -> float | None:
    """Measured minus published; None unless there are both."""
    if self.measured is None or self.published is None:
      return None
    return self.measured - self.published


class Line(NamedTuple):
  """A row.

  Attributes:
    head: the texts that name it; one may have two lines.
    entries: one a column.
  """

  head: tuple[str, ...]
  entries: tuple[Entry, ...]


class Part(NamedTuple):
  """The rows of a data set, or all rows if the title is empty."""

  title: str
  lines: tuple[Line, ...]


class TableLayout(NamedTuple):
  """A table of the paper.

  Attributes:
    title: its number and what it shows.
    heads: the headings of the columns that name a row.
    columns: of figures.
    parts: of the table.
    digits: after the point.
  """

  title: str
  heads: tuple[str, ...]
  columns: tuple[Column, ...]
  parts: tuple[Part, ...]
  digits: int


TITLES = {
  "table2": "Table II: precision of classification",
  "table3": "Table III: precision at recall and maximum F-measure of the "
  "configurations",
  "table4": "Table IV: precision at recall and maximum F-measure without and "
  "with labels",
  "table5": "Table V: mAP and HD3P of deep methods",
}
_HEADS = {
  "table2": ("Data set",),
  "table3": ("Network", "Configuration"),
  "table4": ("Data set", "Labels"),
  "table5": ("Method",),
}
_DIGITS = {"table2": 4, "table3": 5, "table4": 5, "table5": 4}
_RETRIEVAL = (
  *(Column(f"{r}", f"{r:g}", "Recall") for r in curves.MAX_F_LEVELS),
  *(Column(f"max_f_beta_{b}", f"β={b}", "Max F") for b in (0.5, 0.25)),
)
_COLUMNS = {
  "table2": tuple(
    Column(
      experiments.CLASSIFICATION,
      names.backbone(backbone),
      "Precision",
      {"backbone": backbone},
    )
    for backbone in ("alexnet", "googlenet", "simplenet")
  ),
  "table3": _RETRIEVAL,
  "table4": _RETRIEVAL,
  "table5": tuple(
    Column(metric, f"{num_bits} bits", group, {"num_bits": num_bits})
    for metric, group in (("mean_average_precision", "mAP"), ("hd3p", "HD3P"))
    for num_bits in (16, 32)
  ),
}
# Rows of Table II; two of them have no figure.
_CLASSIFIED = (
  *("cifar10", "stl10", "cifar100_coarse", "cifar100_fine"),
  *("oxford5k", "holidays", "flickr_logos32"),
)


def layout(name: str, measured: Measured, context: Context) -> TableLayout:
  """Returns a table of the paper with the measured figures.

  Where the paper's hash labels and this package's were measured, a line with
  the latter, which has no published figures, follows that with the former.

  Args:
    name: table2 to table5.
    measured: figures by cell.
    context: of the run.
  """
  columns = _columns(name, context)
  parts: dict[str, list[Line]] = {}
  for key in _rows(name):
    title = _part(name, key)
    for shown in _with_diffusion(key, measured, context):
      line = Line(
        _head(name, shown, context),
        tuple(
          _entry(
            name, shown._replace(**column.where), column, measured, context
          )
          for column in columns
        ),
      )
      parts.setdefault(title, []).append(line)
  return TableLayout(
    TITLES[name],
    _HEADS[name],
    columns,
    tuple(Part(title, tuple(lines)) for title, lines in parts.items()),
    _DIGITS[name],
  )


def find(measured: Measured, key: Key) -> Metrics:
  """Returns the figures of a cell, empty if there are none.

  The precision of classification belongs to a backbone and a data set: any cell
  that these have may hold it.
  """
  if key.method != experiments.CLASSIFICATION:
    return measured.get(key, {})
  for other, metrics in measured.items():
    same = (other.dataset, other.backbone) == (key.dataset, key.backbone)
    if same and metrics.get(experiments.CLASSIFICATION) is not None:
      return metrics
  return {}


def figure(metrics: Metrics, metric: str) -> float | None:
  """Returns a metric, or the precision at a level of recall given as text."""
  if not metric[0].isdigit():
    return metrics.get(metric)
  levels: Sequence[float] = metrics.get("recall_levels") or []
  precision = dict(zip(levels, metrics.get("precision_at_recall") or []))
  return precision.get(float(metric))


def _columns(name: str, context: Context) -> tuple[Column, ...]:
  """Returns the columns; those of backbones name what stands in."""
  return tuple(
    column._replace(name=names.network(context.backbone(shown), shown))
    if (shown := column.where.get("backbone"))
    else column
    for column in _COLUMNS[name]
  )


def _rows(name: str) -> Iterator[Key]:
  """Yields a cell of each row of the paper, in its order."""
  if name == "table2":
    for dataset in _CLASSIFIED:
      yield Key(dataset, "", "", "", True, experiments.CLASSIFICATION, 0)
    return
  given = _COLUMNS[name][0].where.items()
  for key in published.table(name):
    if given <= key._asdict().items():
      yield key


def _part(name: str, key: Key) -> str:
  if name not in ("table3", "table5"):
    return ""
  dataset = names.dataset(key.dataset)
  return f"{dataset}, {key.num_bits} bits" if name == "table3" else dataset


def _head(name: str, key: Key, context: Context) -> tuple[str, ...]:
  dataset = names.dataset(key.dataset)
  if name == "table2":
    return (dataset,)
  if name == "table5":
    return (names.method(key.method),)
  suffix = ", diffusion labels" if key.method == "dsth_diffusion" else ""
  if name == "table4":
    place = f"{dataset}, {key.num_bits} bits"
    return place, names.labels(key.labels) + suffix
  shown = context.backbone(key.backbone)
  place = names.stand_in(shown, key.backbone)
  network = "\n".join(filter(None, (names.backbone(shown), place)))
  return network, names.configuration(key.head, key.activation) + suffix


def _with_diffusion(
  key: Key, measured: Measured, context: Context
) -> Iterator[Key]:
  yield key
  ours = key._replace(method="dsth_diffusion")
  if key.method == "dsth" and _measured_key(ours, context) in measured:
    yield ours


def _measured_key(key: Key, context: Context) -> Key:
  return key._replace(backbone=context.backbone(key.backbone))


def _entry(
  name: str, key: Key, column: Column, measured: Measured, context: Context
) -> Entry:
  measured_key = _measured_key(key, context)
  here = figure(find(measured, measured_key), column.metric)
  there = figure(find(published.table(name), key), column.metric)
  reason = "" if here is not None else context.reason(measured_key)
  oddities = tuple(
    oddity.sentence
    for oddity in published.oddities(name)
    if there is not None and oddity.concerns(key, column.metric)
  )
  return Entry(key, measured_key, column.metric, here, there, reason, oddities)
