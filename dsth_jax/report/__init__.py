"""The report of a run: Markdown, plots and one page of HTML.

`write` takes the results of a run and some of its pictures, and writes
report.md, PNG files and index.html, which loads no other file and no script.

>>> no_pictures = PictureSheet([], [], [], None, [], [])
>>> write("report", {"held_out": None, "training": None}, no_pictures)
Traceback (most recent call last):
    ...
ValueError: results lack embedding, environment, graph, losses, ...
"""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import cast

from dsth_jax.report import descriptions, markdown, page, pictures, plots
from dsth_jax.report import results as results_lib
from dsth_jax.report.results import PictureSheet, Results
from dsth_jax.runtime import distributed

__all__ = ["PictureSheet", "Results", "render", "write", "write_files"]

# In the order in which they are put in place; those that a new report does not
# have are removed.
_FILES = (
  "precision_recall.png",
  "precision_of_returned.png",
  "results.png",
  "training_loss.png",
  "report.md",
  "index.html",
)


def render(results: Results, sheet: PictureSheet) -> dict[str, bytes]:
  """Returns the files of a report by name.

  Args:
    results: of the run.
    sheet: queries and their results; without queries there is no results.png.

  Returns:
    report.md, index.html and the PNG files: precision_recall.png and
    precision_of_returned.png where there are class labels, training_loss.png
    where there are losses.

  Raises:
    ValueError: the results lack a section, or the lengths in the sheet differ.
  """
  results_lib.check(results, sheet)
  results = _ordered(results)
  files = dict(plots.files(results))
  if len(sheet.queries):
    files["results.png"] = pictures.sheet_png(sheet)
  files["report.md"] = markdown.render(results, list(files)).encode()
  files["index.html"] = page.render(results, sheet).encode()
  return files


def write(
  directory: str | os.PathLike[str], results: Results, sheet: PictureSheet
) -> None:
  """Writes a report, or leaves the old one unchanged.

  All files are made in memory, then written under temporary names, then
  renamed; index.html, which holds everything, comes last.

  Args:
    directory: of the report; made if it is missing.
    results: of the run.
    sheet: queries and their results.

  Raises:
    ValueError: see `render`.
    OSError: the directory cannot be written.
  """
  write_files(directory, render(results, sheet), known=_FILES)


def write_files(
  directory: str | os.PathLike[str],
  files: Mapping[str, bytes],
  *,
  known: Sequence[str],
) -> None:
  """Writes all files or none, and removes known files that are not given.

  In a multi-process run only the leader writes: others would remove its
  temporary files.

  Args:
    directory: of the files; made if it is missing.
    files: by name.
    known: all possible names, in the order in which they are put in place.

  Raises:
    OSError: the directory cannot be written.
  """
  if not distributed.is_leader():
    return
  directory = pathlib.Path(directory)
  directory.mkdir(parents=True, exist_ok=True)
  temporary = {name: directory / f".{name}.tmp" for name in files}
  try:
    for name, path in temporary.items():
      path.write_bytes(files[name])
    for name in sorted(files, key=known.index):
      temporary[name].replace(directory / name)
  finally:
    for path in temporary.values():
      path.unlink(missing_ok=True)
  for name in set(known) - set(files):
    (directory / name).unlink(missing_ok=True)


def _ordered(results: Results) -> Results:
  """Sorts the methods, so that all tables and legends have one order."""
  ordered = dict(results)
  for part in ("held_out", "training", "statistics"):
    methods = results[part]
    if methods is not None:
      ordered[part] = {
        name: methods[name] for name in descriptions.in_order(methods)
      }
  return cast(Results, ordered)
