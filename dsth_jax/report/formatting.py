"""Numbers, times and sizes as text.

`humanize` formats times and sizes. The other formats are here because it does
not have them: a dash for what was not measured, and a fixed number of digits,
so that the figures of a column can be compared.
"""

import math
from typing import Any

import humanize

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

# A time below the limit, in seconds, is shown in the unit.
_LIMITS = {"milliseconds": 1, "seconds": 100, "minutes": 6000}
_UNITS = ("milliseconds", "seconds", "minutes", "hours")
_LARGEST_UNITS = ("days", "months", "years")


def figure(value: Any) -> str:
  """Formats a metric with three decimals."""
  return digits(value, 3)


def digits(value: Any, number: int) -> str:
  """Formats a metric with a number of decimals."""
  return f"{value:.{number}f}" if _is_number(value) else DASH


def signed(value: Any, number: int) -> str:
  """Formats a difference with its sign and a number of decimals."""
  if not _is_number(value):
    return DASH
  return f"{value:+.{number}f}".replace("-", MINUS)


def count(value: Any) -> str:
  """Formats a number of things."""
  return f"{value:,.0f}" if _is_number(value) else DASH


def percent(value: Any) -> str:
  """Formats a share of 1, as 0 or 100 percent only if it is exactly that."""
  if not _is_number(value):
    return DASH
  digits = 0 if 0.01 <= value <= 0.99 or value in (0, 1) else 2
  return f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def short(value: Any) -> str:
  """Formats a number of unknown magnitude with two digits."""
  return f"{value:.2g}" if _is_number(value) else DASH


def rate(value: Any) -> str:
  """Formats images per second."""
  if not _is_number(value):
    return DASH
  return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def duration(seconds: Any) -> str:
  """Formats a time in one unit, from milliseconds to hours."""
  if not _is_number(seconds):
    return DASH
  unit = next((u for u, limit in _LIMITS.items() if seconds < limit), "hours")
  larger = _UNITS[_UNITS.index(unit) + 1 :]
  return humanize.precisedelta(
    seconds,
    minimum_unit=unit,
    suppress=(*larger, *_LARGEST_UNITS),
    format="%.1f",
  )


def seconds(value: Any) -> str:
  """Formats a time in seconds, to be compared within a column."""
  if not _is_number(value):
    return DASH
  if value < 0.1:
    return f"{value:.2g}"
  digits = 3 if value < 0.95 else 1 if value < 99.5 else 0
  return f"{value:,.{digits}f}"


def plural(number: int, thing: str, things: str = "") -> str:
  """Formats a counted noun."""
  return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def plus_minus(spread: str) -> str:
  """Returns a formatted spread after a plus-minus sign, "" if it is a dash."""
  if spread == DASH:
    return ""
  return f"\N{PLUS-MINUS SIGN}\N{NO-BREAK SPACE}{spread}"


def _is_number(value: Any) -> bool:
  return value is not None and math.isfinite(value)
