"""Speed of hash function and backbone, and the size of the codes, as text."""

import humanize

from dsth_jax.report import formatting
from dsth_jax.report.results import Results


def paragraph(results: Results) -> str:
  """Compares hash function and backbone, and gives the sizes of the codes."""
  found = _speeds(results)
  num_bytes = _num_bytes(results)
  found.append(
    f"A packed code takes {formatting.plural(num_bytes, 'byte')}, and the "
    f"{results['summary']['num_database']:,} codes of the database take "
    f"{database_size(results)}."
  )
  return " ".join(found)


def codes(results: Results) -> float | None:
  """Returns the images per second of the codes stage, if it has a rate."""
  stage = results["stages"].get("codes")
  return stage["images_per_second"] if stage else None


def features(results: Results) -> float | None:
  """Returns the images per second of all backbones, one after the other."""
  speeds = [
    stage["images_per_second"]
    for key, stage in results["stages"].items()
    if key.partition("/")[0] == "features"
  ]
  known = [speed for speed in speeds if speed]
  if not known or len(known) < len(speeds):
    return None
  return 1 / sum(1 / speed for speed in known)


def encodes_features(results: Results) -> bool:
  """Tells whether the codes were encoded from features, not from pixels."""
  return results["summary"].get("network_inputs") == "features"


def database_size(results: Results) -> str:
  """Formats the size of all packed codes of the database."""
  num_codes = results["summary"]["num_database"]
  return humanize.naturalsize(_num_bytes(results) * num_codes)


def _speeds(results: Results) -> list[str]:
  found = []
  encoded, described = codes(results), features(results)
  if encoded:
    source = " from their features" if encodes_features(results) else ""
    found.append(
      f"The hash function encodes {formatting.rate(encoded)} images per second"
      f"{source}."
    )
  if described:
    speed = formatting.rate(described)
    found.append(f"Features are computed for {speed} images per second.")
  # Without the time of their features, codes from features cannot be compared.
  if encoded and described and not encodes_features(results):
    ratio = encoded / described
    if ratio > 1.5:
      times = f"{ratio:,.{0 if ratio > 10 else 1}f}"
      found.append(f"The hash function is {times} times as fast.")
  return found


def _num_bytes(results: Results) -> int:
  return -(-results["summary"]["num_bits"] // 8)
