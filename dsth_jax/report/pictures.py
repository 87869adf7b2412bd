"""The picture sheet: queries and their results."""

import base64
import io
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from dsth_jax.report import panels, styles
from dsth_jax.report.results import PictureSheet
from dsth_jax.types import ArrayLike

# Larger pictures are shrunk to this side; a page shows no more.
_LARGEST = 160
# Up to this side, pictures are enlarged without smoothing.
_PIXELATED = 64
_INCHES = 0.92
# In cells: the side of a picture, and the height of a row with its text.
_SIDE = 0.86
_ROW = 1.24
# Between the query and its results.
_GAP = 0.3


class Thumbnail(NamedTuple):
  """A picture for a page.

  Attributes:
    uri: a data URI.
    width: in pixels.
    height: in pixels.
  """

  uri: str
  width: int
  height: int

  @property
  def is_small(self) -> bool:
    """Whether it is enlarged without smoothing."""
    return max(self.width, self.height) <= _PIXELATED


def thumbnail(image: ArrayLike) -> Thumbnail:
  """Shrinks a picture for a page: PNG if it is small, JPEG if it is not."""
  picture = _shrink(image)
  kind = "PNG" if max(picture.size) <= _PIXELATED else "JPEG"
  buffer = io.BytesIO()
  picture.save(buffer, kind, quality=85)
  return Thumbnail(data_uri(buffer.getvalue(), kind.lower()), *picture.size)


def data_uri(content: bytes, kind: str = "png") -> str:
  """Returns the data URI of an image file."""
  return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def sheet_png(sheet: PictureSheet) -> bytes:
  """Draws one row per query: the query and its results.

  Args:
    sheet: with at least one query.

  Returns:
    A PNG.
  """
  most = max(map(len, sheet.results))
  width, height = 1 + _GAP + most, _ROW * len(sheet.queries) + 0.75
  figure = Figure(
    figsize=(_INCHES * width, _INCHES * height),
    dpi=panels.DOTS_PER_INCH,
    facecolor=styles.LIGHT.paper,
  )
  axes = figure.add_axes((0, 0, 1, 1))
  axes.set_axis_off()
  _write(axes, 0.5, 0.3, "query")
  left = 1 + _GAP + (1 - _SIDE) / 2
  _write(axes, left, 0.3, "results, nearest first", align="left")
  for row, query in enumerate(sheet.queries):
    top = 0.45 + _ROW * row
    _place(axes, query, 0.5, top)
    for column in range(len(sheet.results[row])):
      _place_result(axes, sheet, row, column, top)
  note = "number: distance of the codes, in bits"
  if sheet.relevant is not None:
    note += ";  thick frame and \N{CHECK MARK}: relevant"
  _write(axes, left, height - 0.15, note, align="left")
  axes.set_xlim(-0.05, width + 0.05)
  axes.set_ylim(height, 0)
  return panels.png(figure)


def _shrink(image: ArrayLike) -> Image.Image:
  picture = Image.fromarray(np.asarray(image))
  picture.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
  return picture


def _place_result(
  axes: Axes, sheet: PictureSheet, row: int, column: int, top: float
) -> None:
  middle = 1.5 + _GAP + column
  box = _place(axes, sheet.results[row][column], middle, top)
  text = str(int(sheet.distances[row][column]))
  if sheet.relevant is not None and sheet.relevant[row][column]:
    text += " \N{CHECK MARK}"
    color = styles.style("labels").color
    frame = Rectangle(*box, fill=False, edgecolor=color, linewidth=3)
    axes.add_patch(frame)
  _write(axes, middle, top + _SIDE + 0.2, text)


def _place(
  axes: Axes, image: ArrayLike, middle: float, top: float
) -> tuple[tuple[float, float], float, float]:
  """Draws an image into its cell; returns its box."""
  picture = _shrink(image)
  scale = _SIDE / max(picture.size)
  width, height = scale * picture.width, scale * picture.height
  left, upper = middle - width / 2, top + (_SIDE - height) / 2
  small = max(picture.size) <= _PIXELATED
  axes.imshow(
    np.asarray(picture),
    extent=(left, left + width, upper + height, upper),
    interpolation="nearest" if small else "antialiased",
    aspect="auto",
  )
  return (left, upper), width, height


def _write(
  axes: Axes, x: float, y: float, text: str, *, align: str = "center"
) -> None:
  axes.text(
    x, y, text, fontsize=8.5, color=styles.LIGHT.ink, horizontalalignment=align
  )
