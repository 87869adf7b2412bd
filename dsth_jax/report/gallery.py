"""The picture sheet, as data for the page."""

from typing import NamedTuple

from dsth_jax.report import pictures
from dsth_jax.report.pictures import Thumbnail
from dsth_jax.report.results import PictureSheet


class Result(NamedTuple):
  """A picture that was found.

  Attributes:
    thumbnail: the picture.
    name: of the image.
    distance: to the query, in bits.
    is_relevant: whether it is known to be relevant.
  """

  thumbnail: Thumbnail
  name: str
  distance: int
  is_relevant: bool


class Row(NamedTuple):
  """A query and its results, nearest first."""

  thumbnail: Thumbnail
  name: str
  results: list[Result]


def rows(sheet: PictureSheet) -> list[Row]:
  """Returns one row per query."""
  return [
    Row(
      pictures.thumbnail(query),
      str(sheet.query_names[row]),
      [_result(sheet, row, column) for column in range(len(found))],
    )
    for row, (query, found) in enumerate(zip(sheet.queries, sheet.results))
  ]


def _result(sheet: PictureSheet, row: int, column: int) -> Result:
  return Result(
    pictures.thumbnail(sheet.results[row][column]),
    str(sheet.result_names[row][column]),
    int(sheet.distances[row][column]),
    sheet.relevant is not None and bool(sheet.relevant[row][column]),
  )
