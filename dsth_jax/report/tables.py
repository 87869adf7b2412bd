"""The tables of a report, before they become Markdown or HTML."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dsth_jax.report import columns, descriptions, formatting
from dsth_jax.report.results import Losses, Metrics, Results, Statistics

# More images than this that could not be read are only counted.
MOST_SKIPPED = 50


class Cell(NamedTuple):
  """One entry of a table.

  Attributes:
    text: the entry.
    note: smaller, below it.
    top: whether it is the highest of its column.
  """

  text: str
  note: str = ""
  top: bool = False


class Row(NamedTuple):
  """A row of a table.

  Attributes:
    head: what the row is about.
    cells: one per column.
    method: the method that gives the row its color, or "".
  """

  head: Cell
  cells: list[Cell]
  method: str = ""


class Table(NamedTuple):
  """A table of texts.

  Attributes:
    columns: their names; the first is that of the row heads.
    rows: with one cell per column each.
  """

  columns: list[str]
  rows: list[Row]


def _no_note(metrics: Metrics) -> str:
  del metrics
  return ""


class _Column(NamedTuple):
  name: str
  value: Callable[[Metrics], Any]
  note: Callable[[Metrics], str] = _no_note


def quality(
  metrics: Mapping[str, Metrics],
  *,
  spreads: Mapping[str, Metrics] | None = None,
  unranked: Collection[str] = (),
) -> Table:
  """Returns one row per method and one column per metric.

  Args:
    metrics: by method.
    spreads: the standard deviation of each metric, by method, where the metrics
      are means; it takes the place of the notes.
    unranked: methods that are shown, but never marked as top.

  Returns:
    The table.
  """
  shown = _quality_columns(next(iter(metrics.values())))
  ranked = {name: metrics[name] for name in metrics if name not in unranked}
  tops = [_top(ranked, column) for column in shown]

  def note(column: _Column, name: str) -> str:
    if spreads is None:
      return column.note(metrics[name])
    spread = formatting.figure(column.value(spreads.get(name, {})))
    return formatting.plus_minus(spread)

  rows = [
    Row(
      Cell(descriptions.method(name).name),
      [
        Cell(formatting.figure(c.value(scores)), note(c, name), name in top)
        for c, top in zip(shown, tops)
      ],
      name,
    )
    for name, scores in metrics.items()
  ]
  return Table(["Method", *(column.name for column in shown)], rows)


def recall(metrics: Mapping[str, Metrics]) -> Table:
  """Returns the precision at every level of recall (RP)."""
  return _curve(metrics, "recall_levels", "precision_at_recall", "Recall")


def returned(metrics: Mapping[str, Metrics]) -> Table:
  """Returns the precision of the first images returned (RIP)."""
  return _curve(metrics, "returned_images", "precision_of_returned", "Returned")


def statistics(methods: Mapping[str, Statistics]) -> Table:
  """Returns the statistics of each method's codes."""
  rows = [
    Row(
      Cell(descriptions.method(name).name),
      [
        Cell(
          formatting.count(each["num_distinct_codes"]),
          f"of {formatting.count(each['num_codes'])}"
          if "num_codes" in each
          else "",
        ),
        Cell(formatting.figure(each["bit_balance"])),
        Cell(formatting.figure(each["bit_correlation"])),
      ],
      name,
    )
    for name, each in methods.items()
  ]
  return Table(["Method", *columns.STATISTICS], rows)


def stages(results: Results) -> Table:
  """Returns the time of each stage, and the sum."""
  rows = [
    Row(
      Cell(*descriptions.stage(key)),
      [
        Cell(
          formatting.duration(stage["seconds"]),
          "from an earlier run" if stage["reused"] else "",
        ),
        Cell(formatting.rate(stage["images_per_second"])),
      ],
    )
    for key, stage in results["stages"].items()
  ]
  total = sum(stage["seconds"] for stage in results["stages"].values())
  rows.append(Row(Cell("All"), [Cell(formatting.duration(total)), Cell("")]))
  return Table(["Stage", "Time", "Images/s"], rows)


def details(results: Results) -> Table:
  """Returns settings and figures that are needed to repeat or check the run."""
  summary, embedding = results["summary"], results["embedding"]
  entries = {
    "Data set": summary["dataset"],
    "Protocol": summary["protocol"],
    "Features": summary["backbone"],
    "Hash labels": summary["labels"],
    "Hash network": summary["network"],
    "Graph": _graph(results),
    "Eigenvalues": _range(embedding["eigenvalues"]),
    "Largest residual": f"{formatting.short(embedding['max_residual'])} after "
    f"{formatting.plural(embedding['num_iters'], 'iteration')}",
    "Training loss": _losses(results["losses"]),
    **results["environment"],
  }
  return pairs("Name", "Value", entries.items())


def skipped(results: Results) -> Table:
  """Returns the first images that could not be read, and why."""
  return pairs("Image", "Reason", results["skipped"][:MOST_SKIPPED])


def pairs(head: str, column: str, entries: Iterable[Sequence[Any]]) -> Table:
  """Returns a table of two columns."""
  rows = [Row(Cell(str(name)), [Cell(str(text))]) for name, text in entries]
  return Table([head, column], rows)


def _quality_columns(scores: Metrics) -> list[_Column]:
  rank = columns.max_rank(scores)
  first = columns.first_returned(scores)
  shown = [_map_column("mAP", columns.MAP)]
  if columns.MAP_TRAPEZIUM in scores:
    shown.append(_map_column("mAP, trapezium", columns.MAP_TRAPEZIUM))
  if rank:
    shown.append(_map_column(f"mAP@{rank:,}", f"{columns.MAP}_at_{rank}"))
  if first:
    shown.append(_Column(f"P@{first:,}", lambda m: precision_at(m, first)))
  shown += [
    _plain_column(found.column, key)
    for key, found in columns.max_f(scores).items()
  ]
  return [
    *shown,
    _Column("HD3P", lambda m: m.get("hd3p"), _empty_share),
    _plain_column("NC3P", "nc3p"),
  ]


def _plain_column(name: str, key: str) -> _Column:
  return _Column(name, lambda m: m.get(key))


def _map_column(name: str, key: str) -> _Column:
  def bounds(metrics: Metrics) -> str:
    ends = [
      formatting.figure(metrics.get(f"{key}_{end}"))
      for end in ("pessimistic", "optimistic")
    ]
    return "" if ends[0] == ends[1] else formatting.DASH.join(ends)

  return _Column(name, lambda m: m.get(key), bounds)


def _empty_share(metrics: Metrics) -> str:
  share = metrics.get("hd3p_empty_share")
  return f"{formatting.percent(share)} find none" if share else ""


def precision_at(metrics: Metrics, first: int) -> float | None:
  """Returns the precision of the first images, None if it is not measured."""
  grid = list(metrics.get("returned_images") or [])
  precision = metrics.get("precision_of_returned")
  if not precision or first not in grid:
    return None
  return precision[grid.index(first)]


def _top(metrics: Mapping[str, Metrics], column: _Column) -> set[str]:
  """Returns the methods with the highest figure of a column, as shown."""
  shown = {
    name: formatting.figure(column.value(scores))
    for name, scores in metrics.items()
  }
  figures = [text for text in shown.values() if text != formatting.DASH]
  highest = max(figures, key=float, default=None)
  return {name for name, text in shown.items() if text == highest}


def _curve(
  metrics: Mapping[str, Metrics], grid: str, key: str, head: str
) -> Table:
  names = [name for name, scores in metrics.items() if scores.get(key)]
  if not names:
    return Table([head], [])
  rows = [
    Row(
      Cell(f"{point:,}"),
      [Cell(formatting.figure(metrics[name][key][i])) for name in names],
    )
    for i, point in enumerate(metrics[names[0]][grid])
  ]
  return Table([head, *(descriptions.method(n).name for n in names)], rows)


def _graph(results: Results) -> str:
  graph = results["graph"]
  return (
    f"{formatting.plural(graph['num_neighbors'], 'neighbor')}, "
    f"{graph['symmetrize']}, {formatting.plural(graph['num_edges'], 'edge')}, "
    f"{formatting.plural(graph['num_components'], 'component')}, "
    f"{graph['num_isolated']:,} isolated, "
    f"{formatting.plural(graph['num_edges_added'], 'edge')} added"
  )


def _range(values: Sequence[float]) -> str:
  if not len(values):
    return formatting.DASH
  return (
    f"{formatting.short(values[0])} to {formatting.short(values[-1])} "
    f"({len(values)} of them)"
  )


def _losses(losses: Losses) -> str:
  losses = [pair for pair in losses if math.isfinite(pair[1])]
  if not losses:
    return formatting.DASH
  (first, start), (last, end) = losses[0], losses[-1]
  return (
    f"{formatting.short(start)} at step {first:,.0f}, "
    f"{formatting.short(end)} at step {last:,.0f}"
  )
