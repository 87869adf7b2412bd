"""Searches a finished run: `python -m dsth_jax.search --run=FOLDER PHOTO...`.

Prints the nearest images of each photograph. This is the command only: in Python
it is `dsth_jax.open_run(FOLDER).search([PHOTO])`, while `dsth_jax.search` is the
search of packed codes.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import NoReturn

from dsth_jax import finished_run
from dsth_jax.cli import errors
from dsth_jax.datasets import image_names
from dsth_jax.finished_run import Answer

# Photographs that are encoded at once; more take more memory than time.
_MOST_AT_ONCE = 32


class _Parser(argparse.ArgumentParser):
  """Says what is wrong with a command line in one sentence."""

  def error(self, message: str) -> NoReturn:
    sys.exit(
      f"dsth_jax: {message}: pass --run=FOLDER PHOTO...; names that start with "
      "a dash follow --, and --help says what else there is."
    )


def table(answer: Answer) -> str:
  """Returns the answer as lines for people, with names as in names.txt.

  >>> print(table(Answer("new.jpg", (finished_run.Match("7.jpg", 3, 7),))))
  new.jpg
     3 bits differ  7.jpg
  """
  lines = [image_names.escape(answer.query)]
  lines += [
    f"{match.distance:4d} bits differ  {image_names.escape(match.name)}"
    for match in answer.matches
  ]
  return "\n".join(lines)


def json_line(answer: Answer) -> str:
  """Returns the answer as a JSON object, with names as they open the files.

  >>> json_line(Answer("new.jpg", (finished_run.Match("7.jpg", 3, 7),)))
  '{"query": "new.jpg", "matches": [{"name": "7.jpg", "distance": 3, "row": 7}]}'
  """
  matches = [match._asdict() for match in answer.matches]
  return json.dumps({"query": answer.query, "matches": matches})


_FORMATS = {"table": table, "jsonl": json_line}


def _parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
  parser = _Parser(
    prog="python -m dsth_jax.search",
    description="Prints the nearest images of a run for each photograph.",
  )
  parser.add_argument("--run", required=True, help="working directory of a run")
  parser.add_argument(
    "--num_results", type=int, default=10, help="images of each photograph"
  )
  parser.add_argument(
    "--format",
    choices=sorted(_FORMATS),
    default="table",
    help="table: a line per image; jsonl: a JSON object per photograph",
  )
  parser.add_argument("photos", nargs="+", metavar="PHOTO")
  return parser.parse_args(arguments)


def _search(given: argparse.Namespace) -> None:
  """Prints an answer for each photograph.

  Raises:
    ValueError: the run cannot be searched, or a photograph cannot be read; the
      others are answered before.
  """
  run = finished_run.open_run(
    given.run, batch_size=min(len(given.photos), _MOST_AT_ONCE)
  )
  answers = run.search(given.photos, num_results=given.num_results)
  for answer in answers:
    if not answer.error:
      print(_FORMATS[given.format](answer), flush=True)
  failed = [answer for answer in answers if answer.error]
  for answer in failed:
    name = image_names.escape(answer.query)
    print(f"dsth_jax: {name} {answer.error}", file=sys.stderr)
  if failed:
    raise ValueError(
      f"{len(failed)} of the {len(answers)} photographs could not be read."
    )


def _main() -> None:
  errors.log_only_ours()
  given = _parse()
  errors.run(lambda: _search(given), given.run)


if __name__ == "__main__":
  _main()
