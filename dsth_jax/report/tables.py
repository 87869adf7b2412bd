"""The tables of a report, before they become Markdown or HTML."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from dsth_jax.report import descriptions
from dsth_jax.report.results import Losses, Metrics, Results, Statistics


class Cell(NamedTuple):
  """What stands in a table.

  Attributes:
    text: the entry.
    note: smaller, beneath it.
    best: of its column.
  """

  text: str
  note: str = ""
  best: bool = False


class Row(NamedTuple):
  """A line of a table.

  Attributes:
    head: what the line is about.
    cells: one a column.
    method: whose colour it takes, if any.
  """

  head: Cell
  cells: list[Cell]
  method: str = ""


class Table(NamedTuple):
  """A table of texts.

  Attributes:
    columns: their names; the first is that of the row heads.
    rows: one cell a column each.
  """

  columns: list[str]
  rows: list[Row]


class _Column(NamedTuple):
  name: str
  value: Callable[[Metrics], Any]
  note: Callable[[Metrics], str]


def quality(
  metrics: Mapping[str, Metrics],
  *,
  spreads: Mapping[str, Metrics] | None = None,
  aside: Collection[str] = (),
) -> Table:
  """Returns one line a method and one column a metric.

  Args:
    metrics: by method.
    spreads: the standard deviation of each figure, by method, where the figures
      are means; it takes the place of the notes beneath them.
    aside: methods that are shown, but never the best.

  Returns:
    The table.
  """
  columns = _quality_columns(next(iter(metrics.values())))
  rivals = {name: metrics[name] for name in metrics if name not in aside}
  best = [_best(rivals, column) for column in columns]

  def note(column: _Column, name: str) -> str:
    if spreads is None:
      return column.note(metrics[name])
    return plus_minus(descriptions.figure(column.value(spreads.get(name, {}))))

  rows = [
    Row(
      Cell(descriptions.method(name).name),
      [
        Cell(
          descriptions.figure(c.value(scores)), note(c, name), name in winners
        )
        for c, winners in zip(columns, best)
      ],
      name,
    )
    for name, scores in metrics.items()
  ]
  return Table(["Method", *(column.name for column in columns)], rows)


def plus_minus(spread: str) -> str:
  """Returns the note of a mean; none where there is no spread."""
  return (
    ""
    if spread == descriptions.DASH
    else f"\N{PLUS-MINUS SIGN}\N{NO-BREAK SPACE}{spread}"
  )


def recall(metrics: Mapping[str, Metrics]) -> Table:
  """Returns the precision at every level of recall (RP)."""
  return _curve(metrics, "recall_levels", "precision_at_recall", "Recall")


def returned(metrics: Mapping[str, Metrics]) -> Table:
  """Returns the precision of the first images returned (RIP)."""
  return _curve(metrics, "returned_images", "precision_of_returned", "Returned")


def statistics(methods: Mapping[str, Statistics]) -> Table:
  """Returns how well each method uses its bits."""
  rows = [
    Row(
      Cell(descriptions.method(name).name),
      [
        Cell(
          descriptions.count(each["num_distinct_codes"]),
          f"of {descriptions.count(each['num_codes'])}"
          if "num_codes" in each
          else "",
        ),
        Cell(descriptions.figure(each["bit_balance"])),
        Cell(descriptions.figure(each["bit_correlation"])),
      ],
      name,
    )
    for name, each in methods.items()
  ]
  return Table(["Codes", "Different codes", "Imbalance", "Correlation"], rows)


def stages(results: Results) -> Table:
  """Returns what each stage cost, and the sum."""
  rows = [
    Row(
      Cell(name.capitalize(), descriptions.STAGES.get(name, "")),
      [
        Cell(
          descriptions.duration(stage["seconds"]),
          "from an earlier run" if stage["reused"] else "",
        ),
        Cell(descriptions.rate(stage["images_per_second"])),
      ],
    )
    for name, stage in results["stages"].items()
  ]
  total = sum(stage["seconds"] for stage in results["stages"].values())
  rows.append(Row(Cell("All"), [Cell(descriptions.duration(total)), Cell("")]))
  return Table(["Stage", "Time", "Images/s"], rows)


def record(results: Results) -> Table:
  """Returns what one needs to know to repeat the run, or to doubt it."""
  graph, embedding = results["graph"], results["embedding"]
  entries: dict[str, Any] = {
    "Data set": results["summary"]["dataset"],
    "Protocol": results["summary"]["protocol"],
    "Features": results["summary"]["backbone"],
    "Labels": results["summary"]["labels"],
    "Student": results["summary"]["student"],
    "Graph": f"{graph['num_neighbors']} neighbours, {graph['symmetrize']}, "
    f"{graph['num_edges']:,} links, {graph['num_components']:,} "
    f"{'part' if graph['num_components'] == 1 else 'parts'}, "
    f"{graph['num_isolated']:,} isolated, {graph['num_edges_added']:,} links "
    "added",
    "Eigenvalues": _range(embedding["eigenvalues"]),
    "Largest residual": f"{descriptions.scientific(embedding['max_residual'])} after "
    f"{descriptions.plural(embedding['num_iters'], 'iteration')}",
    "Training loss": _losses(results["losses"]),
  }
  entries |= results["environment"]
  rows = [Row(Cell(name), [Cell(str(text))]) for name, text in entries.items()]
  return Table(["What", "Value"], rows)


def _quality_columns(scores: Metrics) -> list[_Column]:
  rank, first = (
    descriptions.max_rank(scores),
    descriptions.first_returned(scores),
  )
  columns = [_map_column("mAP", descriptions.MAP)]
  if rank:
    columns.append(
      _map_column(f"mAP@{rank:,}", f"{descriptions.MAP}_at_{rank}")
    )
  if first:
    columns.append(
      _Column(f"First {first:,}", lambda m: _at_returned(m, first), _no_note)
    )
  columns += [
    _plain_column(f"Max F {beta}", key)
    for key, beta in descriptions.betas(scores).items()
  ]
  return [
    *columns,
    _Column("HD3P", lambda m: m.get("hd3p"), _empty_share),
    _plain_column("NC3P", "nc3p"),
  ]


def _plain_column(name: str, key: str) -> _Column:
  return _Column(name, lambda m: m.get(key), _no_note)


def _map_column(name: str, key: str) -> _Column:
  def bounds(metrics: Metrics) -> str:
    ends = [
      descriptions.figure(metrics.get(f"{key}_{end}"))
      for end in ("pessimistic", "optimistic")
    ]
    return "" if ends[0] == ends[1] else descriptions.DASH.join(ends)

  return _Column(name, lambda m: m.get(key), bounds)


def _no_note(metrics: Metrics) -> str:
  del metrics
  return ""


def _empty_share(metrics: Metrics) -> str:
  share = metrics.get("hd3p_empty_share")
  return f"{descriptions.percent(share)} find none" if share else ""


def _at_returned(metrics: Metrics, first: int) -> float | None:
  grid = list(metrics.get("returned_images") or [])
  precision = metrics.get("precision_of_returned")
  if not precision or first not in grid:
    return None
  return precision[grid.index(first)]


def _best(metrics: Mapping[str, Metrics], column: _Column) -> set[str]:
  """Returns whose figure, as shown, is the highest of its column."""
  shown = {
    name: descriptions.figure(column.value(scores))
    for name, scores in metrics.items()
  }
  figures = [text for text in shown.values() if text != descriptions.DASH]
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
      [Cell(descriptions.figure(metrics[name][key][i])) for name in names],
    )
    for i, point in enumerate(metrics[names[0]][grid])
  ]
  return Table(
    [head, *(descriptions.method(name).name for name in names)], rows
  )


def _range(values: Sequence[float]) -> str:
  if not len(values):
    return descriptions.DASH
  return (
    f"{descriptions.scientific(values[0])} to {descriptions.scientific(values[-1])} "
    f"({len(values)} of them)"
  )


def _losses(losses: Losses) -> str:
  losses = [pair for pair in losses if math.isfinite(pair[1])]
  if not losses:
    return descriptions.DASH
  (first, start), (last, end) = losses[0], losses[-1]
  return (
    f"{descriptions.scientific(start)} at step {first:,.0f}, "
    f"{descriptions.scientific(end)} at step {last:,.0f}"
  )
