"""Searches a finished run: `python -m dsth_jax.search --run=FOLDER PHOTO...`.

Prints the nearest images of each photograph. In Python it is
`dsth_jax.open_run(FOLDER).search([PHOTO])`.
"""

import argparse
import json
import sys

from absl import app
from absl.flags import argparse_flags

from dsth_jax import finished_run
from dsth_jax.cli import errors
from dsth_jax.datasets import image_names
from dsth_jax.finished_run import Answer

# Photographs that are encoded at once; more take more memory than time.
_MOST_AT_ONCE = 32


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


def _parse(argv: list[str]) -> argparse.Namespace:
  parser = argparse_flags.ArgumentParser(
    prog="dsth_jax.search",
    description="Searches a finished run with photographs.",
    epilog="After -- names may start with a dash.",
    allow_abbrev=False,
  )
  parser.add_argument(
    "--run", required=True, help="working directory of a finished run"
  )
  parser.add_argument(
    "--num_results",
    type=int,
    default=10,
    help="images to find for each photograph (10)",
  )
  parser.add_argument(
    "--format",
    choices=["table", "jsonl"],
    default="table",
    help="table: a line per image, for people; jsonl: a JSON object per "
    "photograph",
  )
  parser.add_argument("photos", nargs="+", metavar="PHOTO")
  return parser.parse_args(argv[1:])


def _search(given: argparse.Namespace) -> None:
  """Prints an answer for each photograph.

  Raises:
    ValueError: there is nothing to search, or a photograph cannot be read; the
      others are answered before.
  """
  photos = given.photos
  run = finished_run.open_run(
    given.run, batch_size=min(len(photos), _MOST_AT_ONCE)
  )
  answers = run.search(photos, num_results=given.num_results)
  show = {"table": table, "jsonl": json_line}[given.format]
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


def _main(given: argparse.Namespace) -> None:
  errors.log_only_ours()
  errors.run(lambda: _search(given), given.run)


if __name__ == "__main__":
  app.run(_main, flags_parser=_parse)
