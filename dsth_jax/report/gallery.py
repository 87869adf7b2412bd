"""The picture sheet as a part of the page."""

from html import escape

from dsth_jax.report import elements, paragraphs, pictures
from dsth_jax.report.results import PictureSheet
from dsth_jax.types import ArrayLike


def gallery(sheet: PictureSheet) -> str:
  """Shows each query and what was found, legible on a phone too.

  Args:
    sheet: queries and what was found.

  Returns:
    HTML; the pictures are part of it.
  """
  if not len(sheet.queries):
    return elements.paragraph("This run was not asked for pictures.")
  rows = (_row(sheet, row) for row in range(len(sheet.queries)))
  return elements.paragraph(paragraphs.relevance(sheet)) + "".join(rows)


def _row(sheet: PictureSheet, row: int) -> str:
  name = escape(str(sheet.query_names[row]))
  query = _frame(sheet.queries[row], f"query {name}")
  hits = "".join(
    _hit(sheet, row, column) for column in range(len(sheet.results[row]))
  )
  return (
    f'<div class="found"><figure class="query">{query}'
    f"<figcaption>{_breakable(name)}</figcaption></figure>"
    f'<div class="hits">{hits}</div></div>'
  )


def _hit(sheet: PictureSheet, row: int, column: int) -> str:
  name = escape(str(sheet.result_names[row][column]))
  bits = f"{int(sheet.distances[row][column])}"
  right = sheet.relevant is not None and bool(sheet.relevant[row][column])
  alt = f"{name}, {bits} bits differ{', same class' if right else ''}"
  mark = " \N{CHECK MARK}" if right else ""
  return (
    f"<figure{' class=right' if right else ''}>"
    f"{_frame(sheet.results[row][column], alt)}"
    f"<figcaption>{bits}{mark}</figcaption></figure>"
  )


def _breakable(escaped_name: str) -> str:
  """Lets a path break after its folders."""
  return escaped_name.replace("/", "/<wbr>")


def _frame(image: ArrayLike, escaped_alt: str) -> str:
  picture = pictures.thumbnail(image)
  small = max(picture.width, picture.height) <= pictures.PIXELATED
  return (
    f'<div class="frame" title="{escaped_alt}"><img src="{picture.uri}" '
    f'width="{picture.width}" height="{picture.height}" alt="{escaped_alt}"'
    f"{' class=small' if small else ''}></div>"
  )
