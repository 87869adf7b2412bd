"""The paper's figures as files, and that their drawings hold the data."""

import csv
import io

import numpy as np
import pytest
from PIL import Image
from support import paper_results

from dsth_jax.paper import figure_data, figures, line_styles, published
from dsth_jax.report import styles


def _shown(name="fig3", **fields):
  context = paper_results.context(**fields)
  return figure_data.make(name, paper_results.measured(), context), context


def _drawn(axes):
  """Returns the points of each line, sorted."""
  return sorted(
    np.array(container.lines[0].get_xydata(), float).tolist()
    for container in axes.containers
  )


@pytest.mark.parametrize("name", ["fig2", "fig3", "fig7"])
def test_drawn_lines_hold_the_data(name):
  shown, _ = _shown(name)
  figure = figures.draw(shown)
  assert len(figure.axes) == len(shown)
  for panel, axes in zip(shown, figure.axes):
    if panel.kind != "radar":
      expected = sorted(
        np.stack([series.x, series.y], 1).tolist() for series in panel.series
      )
      assert _drawn(axes) == expected
    else:
      closed = sorted([*series.y, series.y[0]] for series in panel.series)
      assert sorted([y for _, y in line] for line in _drawn(axes)) == closed


def test_radars_of_a_figure_have_one_scale_that_holds_all():
  shown, _ = _shown()
  figure = figures.draw(shown)
  (low, top), other = (axes.get_ylim() for axes in figure.axes[2:])
  assert (low, top) == other
  highest = max(y for panel in shown[2:] for s in panel.series for y in s.y)
  assert low == 0
  assert highest <= top < highest + 0.1


def test_no_line_of_a_row_leaves_its_panel():
  shown, _ = _shown("fig7")
  figure = figures.draw(shown)
  for panel, axes in zip(shown, figure.axes):
    low, high = axes.get_ylim()
    assert low == 0
    for series in panel.series:
      assert max(series.y) <= high


def test_the_legend_has_configurations_and_backbones_by_themselves():
  shown, context = _shown()
  entries = figures.legend("fig3", shown, context)
  assert list(entries) == [
    *("Slice+BatchNorm", "Slice+Sigmoid", "MLP+BatchNorm", "MLP+Sigmoid"),
    *("EfficientNet-Lite0 in place of GoogLeNet", "AlexNet"),
    "published (Table III)",
  ]
  drawn = [series.style for panel in shown[:2] for series in panel.series]
  for name, line in list(entries.items())[:4]:
    assert line.get_color() in {style.color for style in drawn}, name
  for name in list(entries)[4:6]:
    assert entries[name].get_marker() in {style.marker for style in drawn}
  assert figures.legend("fig7", shown, context) is None


def test_configurations_differ_without_color():
  found = line_styles.CONFIGURATIONS.values()
  assert len({style.line for style in found}) == 4
  assert len({style.color for style in found}) == 4
  compared = line_styles.BACKBONE_STYLES.values()
  assert len({(style.marker, style.line) for style in compared}) == 3


@pytest.mark.parametrize("name", figure_data.NAMES)
def test_figures_are_drawn_without_any_cell(name):
  context = paper_results.context(missing={"stl10": "Get the archive."})
  shown = figure_data.make(name, {}, context)
  figure = figures.draw(shown, figures.legend(name, shown, context))
  texts = [
    text.get_text()
    for panel, axes in zip(shown, figure.axes)
    if not panel.series
    for text in axes.texts
  ]
  assert all(texts)
  assert len(texts) == sum(not panel.series for panel in shown)


def test_files_are_png_pdf_and_csv():
  shown, context = _shown("fig2")
  files = figures.render("fig2", paper_results.measured(), context)
  assert list(files) == ["fig2.png", "fig2.pdf", "fig2.csv"]
  assert set(files) < set(figures.FILES)
  with Image.open(io.BytesIO(files["fig2.png"])) as picture:
    picture.load()
    assert picture.format == "PNG"
  assert files["fig2.pdf"].startswith(b"%PDF-")
  rows = list(csv.DictReader(io.StringIO(files["fig2.csv"].decode())))
  points = [
    (panel.title, series.label, x, y)
    for panel in shown
    for series in panel.series
    for x, y in zip(series.x, series.y)
  ]
  assert [
    (row["panel"], row["line"], int(row["x"]), float(row["y"])) for row in rows
  ] == points
  hollow = [row for row in rows if row["published"] == "yes"]
  assert len(hollow) == len(published.table("table3"))


def test_figures_have_the_colors_of_a_page():
  shown, _ = _shown("fig2")
  figure = figures.draw(shown, theme=styles.DARK)
  assert all(
    axes.title.get_color() is not None
    and axes.xaxis.label.get_color() == styles.DARK.ink
    for axes in figure.axes
  )


def test_what_is_not_a_figure_is_refused():
  with pytest.raises(ValueError, match="is table3, but the figures"):
    figures.render("table3", {}, paper_results.context())
