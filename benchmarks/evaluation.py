"""All metrics of codes against a per-query argsort, the field's usual loop.

python -m benchmarks.evaluation
"""

from collections.abc import Iterator

import numpy as np
from absl import flags

from benchmarks import command, timing
from dsth_jax import metrics
from dsth_jax.ground_truth import GroundTruth

_QUERIES = flags.DEFINE_integer("num_queries", 10_000, "Queries.")
_DATABASE = flags.DEFINE_integer("num_database", 50_000, "Database rows.")
_BITS = flags.DEFINE_list("bits", ["48", "64"], "Bits of a code.")
_PEER_QUERIES = flags.DEFINE_integer(
  "peer_queries", 500, "Queries of the peer; its time is scaled to all."
)
_REPEATS = flags.DEFINE_integer("repeats", 3, "Repetitions.")


def measure() -> Iterator[timing.Row]:
  """Yields a row a method and width."""
  for bits in map(int, _BITS.value):
    yield from _evaluate(bits)


def _evaluate(bits: int) -> Iterator[timing.Row]:
  num_queries, size = _QUERIES.value, _DATABASE.value
  codes, labels = _classes(num_queries + size, bits)
  split = (codes[:num_queries], codes[num_queries:])
  of_labels = (labels[:num_queries], labels[num_queries:])
  truth = GroundTruth.from_labels(*of_labels)
  found = {}

  def ours() -> None:
    found["ours"] = metrics.evaluate(*split, truth, num_bits=bits)

  few = slice(0, _PEER_QUERIES.value)
  signs = [2.0 * np.unpackbits(part, axis=1) - 1 for part in split]

  def peer() -> None:
    found["peer"] = _argsort_map(signs[0][few], signs[1], of_labels, few)

  name = f"argsort a query, mAP only ({_PEER_QUERIES.value} queries, scaled)"
  times = timing.in_turn(
    {"dsth_jax, every metric": ours, name: peer}, repeats=_REPEATS.value
  )
  scale = num_queries / _PEER_QUERIES.value
  times[name] = timing.Times(*(scale * each for each in times[name]))
  bracket = metrics.evaluate(
    split[0][few],
    split[1],
    truth.select(np.arange(len(signs[0][few])), np.arange(size)),
    num_bits=bits,
  )
  lowest, highest = (
    bracket[f"mean_average_precision_{end}"]
    for end in ("pessimistic", "optimistic")
  )
  inside = lowest - 1e-9 <= found["peer"] <= highest + 1e-9
  for method, seconds in times.items():
    yield timing.Row(
      f"{num_queries:,} queries, {size:,} x {bits} bits",
      method,
      seconds,
      rate=f"{1e9 * seconds.median / num_queries / size:.2f} ns a pair",
      quality="the peer's mAP is within dsth_jax's bounds of ties"
      if inside
      else "THE PEER'S mAP IS OUTSIDE THE BOUNDS",
    )


def _classes(num_codes: int, bits: int) -> tuple[np.ndarray, np.ndarray]:
  """Codes of ten classes: a quarter of the bits of a center flipped."""
  rng = np.random.default_rng(0)
  labels = rng.integers(0, 10, num_codes)
  centers = rng.integers(0, 2, (10, bits), dtype=np.uint8)
  flipped = rng.random((num_codes, bits)) < 0.25
  return np.packbits(centers[labels] ^ flipped, axis=1), labels


def _argsort_map(
  queries: np.ndarray,
  database: np.ndarray,
  labels: tuple[np.ndarray, np.ndarray],
  few: slice,
) -> float:
  """The loop of the public hashing repositories."""
  total = 0.0
  for query, label in zip(queries, labels[0][few]):
    distances = 0.5 * (database.shape[1] - database @ query)
    hits = (labels[1] == label)[np.argsort(distances)]
    ranks = np.flatnonzero(hits) + 1
    total += np.mean(np.arange(1, len(ranks) + 1) / ranks)
  return total / len(queries)


if __name__ == "__main__":
  command.run(measure)
