"""Fair timing: warm, interleaved, and printed next to the peers."""

import math
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple


class Times(NamedTuple):
  """Seconds of the repetitions of a call."""

  median: float
  lowest: float
  highest: float


class Row(NamedTuple):
  """One method on one problem.

  Attributes:
    problem: what is computed, with its sizes. Its first row is dsth_jax.
    method: what computes it.
    times: of one computation.
    rate: work per time, with its unit.
    of_limit: share of the limit of this machine that applies.
    quality: what was checked in this run.
  """

  problem: str
  method: str
  times: Times
  rate: str = ""
  of_limit: str = ""
  quality: str = ""


def in_turn(
  calls: dict[str, Callable[[], Any]], *, repeats: int
) -> dict[str, Times]:
  """Times calls A B A B, so that load on the machine affects all alike.

  Args:
    calls: each returns only when its work is done.
    repeats: of each, after a first call that compiles and fills caches.
  """
  for call in calls.values():
    call()
  seconds: dict[str, list[float]] = {name: [] for name in calls}
  for _ in range(repeats):
    for name, call in calls.items():
      start = time.perf_counter()
      call()
      seconds[name].append(time.perf_counter() - start)
  return {
    name: Times(statistics.median(each), min(each), max(each))
    for name, each in seconds.items()
  }


def growth(
  method: str,
  sizes: Sequence[int],
  prepare: Callable[[int], tuple[Callable[[], Any], Callable[[Any], str]]],
) -> Iterator[Row]:
  """Yields a row a size, each with the exponent from the size before it.

  Args:
    method: what computes it.
    sizes: ascending.
    prepare: makes a problem of a size; returns the call to time, and a
      function that describes the quality of its result.
  """
  before: tuple[int, float] | None = None
  for size in sizes:
    call, check = prepare(size)
    start = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - start
    rate = ""
    if before:
      exponent = math.log(seconds / before[1]) / math.log(size / before[0])
      rate = f"n^{exponent:.2f} from {before[0]:,}"
    before = (size, seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    yield Row(
      f"growth: {size:,} points",
      method,
      Times(seconds, seconds, seconds),
      rate,
      quality=f"{check(result)}; peak memory {peak:.1f} GiB",
    )


def table(rows: Sequence[Row]) -> str:
  """Returns rows as a Markdown table; ratios are to the first of a problem."""
  lines = [
    "| problem | method | seconds (lowest to highest) "
    "| speed-up of dsth_jax over it | rate | of the limit | checked |",
    "| --- | --- | --- | --- | --- | --- | --- |",
  ]
  ours: dict[str, Times] = {}
  for row in rows:
    first = ours.setdefault(row.problem, row.times)
    speed_up = row.times.median / first.median
    ratio = "" if first is row.times else f"{speed_up:.2f}"
    cells = (
      row.problem,
      row.method,
      _seconds(row.times),
      ratio,
      row.rate,
      row.of_limit,
      row.quality,
    )
    lines.append("| " + " | ".join(cells) + " |")
  return "\n".join(lines)


def _seconds(times: Times) -> str:
  median, lowest, highest = (f"{seconds:.3g}" for seconds in times)
  return median if lowest == highest else f"{median} ({lowest} to {highest})"
