"""Searches a finished run: `python -m dsth_jax.search --run=FOLDER PHOTO...`.

Prints the nearest images of each photograph. In Python it is
`dsth_jax.open_run(FOLDER).search([PHOTO])`.
"""

import json
import sys
from collections.abc import Sequence

from absl import app, flags

from dsth_jax import finished_run
from dsth_jax.cli import errors
from dsth_jax.datasets import image_names
from dsth_jax.finished_run import Answer

_RUN = flags.DEFINE_string("run", None, "Working directory of a finished run.")
_NUM_RESULTS = flags.DEFINE_integer(
  "num_results", 10, "Images to find for each photograph.", lower_bound=1
)
_FORMAT = flags.DEFINE_enum(
  "format",
  "table",
  ["table", "jsonl"],
  "table: a line per image, for people; jsonl: a JSON object per photograph.",
)
# Photographs that are encoded at once; more take more memory than time.
_MOST_AT_ONCE = 32
_USAGE = (
  "pass --run=FOLDER PHOTO...; after -- names may start with a dash, and --help "
  "says what else there is."
)


def table(answer: Answer) -> str:
  """Returns the answer as lines for people, with names as in names.txt."""
  lines = [image_names.escape(answer.query)]
  lines += [
    f"{match.distance:4d} bits differ  {image_names.escape(match.name)}"
    for match in answer.matches
  ]
  return "\n".join(lines)


def json_line(answer: Answer) -> str:
  """Returns the answer as a JSON object, with names as they open the files."""
  matches = [match._asdict() for match in answer.matches]
  return json.dumps({"query": answer.query, "matches": matches})


def _parse(argv: list[str]) -> list[str]:
  try:
    rest = flags.FLAGS(argv)
  except flags.Error as error:
    sys.exit(f"dsth_jax: {errors.one_line(error)}: {_USAGE}")
  return rest


def _search(photos: Sequence[str]) -> None:
  """Prints an answer for each photograph.

  Raises:
    ValueError: there is nothing to search, or a photograph cannot be read; the
      others are answered before.
  """
  if _RUN.value is None or not photos:
    missing = "--run is missing" if _RUN.value is None else "no photograph"
    raise ValueError(f"{missing}: {_USAGE}")
  run = finished_run.open_run(
    _RUN.value, batch_size=min(len(photos), _MOST_AT_ONCE)
  )
  answers = run.search(photos, num_results=_NUM_RESULTS.value)
  show = {"table": table, "jsonl": json_line}[_FORMAT.value]
  failed = [answer for answer in answers if answer.error]
  for answer in answers:
    if not answer.error:
      print(show(answer), flush=True)
  for answer in failed:
    print(
      f"dsth_jax: {image_names.escape(answer.query)} {answer.error}",
      file=sys.stderr,
    )
  if failed:
    raise ValueError(
      f"{len(failed)} of the {len(answers)} photographs could not be read."
    )


def _main(argv: list[str]) -> None:
  errors.log_only_ours()
  errors.run(lambda: _search(argv[1:]), _RUN.value or ".")


if __name__ == "__main__":
  app.run(_main, flags_parser=_parse)
