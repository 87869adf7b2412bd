"""What every benchmark does as a command: measure, print a table."""

from collections.abc import Callable, Iterable

from absl import app

from benchmarks import limits, timing
from dsth_jax.runtime import allocator


def run(measure: Callable[[], Iterable[timing.Row]]) -> None:
  """Parses the flags, measures, and prints the rows as Markdown."""
  allocator.keep_freed_memory()

  def main(argv: list[str]) -> None:
    del argv
    rows = list(measure())
    print(timing.table(rows))
    print(f"\n{limits.describe()}")

  app.run(main)
