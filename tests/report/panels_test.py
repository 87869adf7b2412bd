"""Figures of several panels: their grid, their legend, and their files."""

import io
import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from dsth_jax.paper import radar
from dsth_jax.report import drawing, panels, styles
from dsth_jax.report.drawing import Series

STYLE = styles.Style("#0072b2", "o")
FORMS = {"screen": panels.SCREEN, "print": panels.PRINT}


def _drawn(form, num_series=9, *, share="all", polar=(), num_columns=2):
  drawn = panels.make_panels(
    ["(a) first", "(b) second", "(c) third", "(d) fourth"],
    styles.LIGHT,
    form=form,
    num_columns=num_columns,
    share=share,
    polar=polar,
  )
  series = [
    Series(f"GoogLeNet, Slice+BatchNorm {i}", STYLE, [16, 32], [0.1, 0.2])
    for i in range(num_series)
  ]
  for number, axes in enumerate(drawn.axes):
    if number in polar:
      figures = [0.1, 0.2, 0.3, 0.4, 0.3, 0.2]
      drawing.draw_radar(
        axes, [s._replace(y=figures) for s in series], radar.AXES, 0.4
      )
    else:
      drawing.draw_by_length(axes, series, [16, 32])
      axes.set_ylabel("mean over the queries")
  return drawn


def _boxes(drawn):
  """Returns the boxes of the panels with their texts, and of the legend."""
  figure = panels.finish(drawn)
  renderer = FigureCanvasAgg(figure).get_renderer()
  figure.draw(renderer)
  boxes = [axes.get_tightbbox(renderer) for axes in drawn.axes]
  boxes += [legend.get_window_extent(renderer) for legend in figure.legends]
  return boxes, figure.bbox


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("polar", [(), (2, 3)])
def test_nothing_covers_anything_else(form, polar):
  drawn = _drawn(FORMS[form], share="none" if polar else "all", polar=polar)
  boxes, whole = _boxes(drawn)
  assert len(boxes) == 5
  for one, other in itertools.combinations(boxes, 2):
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    assert width < 1 or height < 1, (one, other)
  for box in boxes:
    assert box.x0 >= whole.x0 - 1
    assert box.x1 <= whole.x1 + 1
    assert box.y0 >= whole.y0 - 1
    assert box.y1 <= whole.y1 + 1


def test_a_longer_legend_leaves_the_panels_their_size():
  sizes = []
  for num_series in (2, 30):
    drawn = _drawn(panels.SCREEN, num_series)
    panels.finish(drawn)
    box = drawn.axes[0].get_window_extent()
    sizes.append((box.width, box.height))
  assert sizes[0] == pytest.approx(sizes[1], abs=1)


def test_the_legend_has_each_label_once_and_the_first_series_first():
  figure = panels.finish(_drawn(panels.PRINT, 3))
  (legend,) = figure.legends
  texts = [text.get_text() for text in legend.get_texts()]
  assert texts == [f"GoogLeNet, Slice+BatchNorm {i}" for i in range(3)]


@pytest.mark.parametrize(
  ("share", "groups"),
  [("all", [{0, 1, 2, 3}]), ("row", [{0, 1}, {2, 3}]), ("none", [])],
)
def test_panels_share_their_vertical_axis(share, groups):
  axes = _drawn(panels.SCREEN, share=share).axes
  together = axes[0].get_shared_y_axes()
  for one, other in itertools.combinations(range(4), 2):
    expected = any({one, other} <= group for group in groups)
    assert together.joined(axes[one], axes[other]) == expected


def test_pictures_have_the_measures_of_the_figure():
  figure = panels.finish(_drawn(panels.PRINT))
  with Image.open(io.BytesIO(panels.png(figure))) as picture:
    width, height = figure.get_size_inches() * panels.DOTS_PER_INCH
    assert picture.size == pytest.approx((width, height), abs=1)
  assert figure.get_figwidth() == pytest.approx(7.1)


def test_the_same_figure_gives_the_same_pdf():
  first, second = (
    panels.pdf(panels.finish(_drawn(panels.PRINT, 2))) for _ in range(2)
  )
  assert first == second
  assert first.startswith(b"%PDF-")
