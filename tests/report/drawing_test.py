"""What is drawn is the figures, in the style of its series."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from dsth_jax.report import descriptions, drawing, styles
from dsth_jax.report.drawing import Series

STYLE = styles.Style("#0072b2", "o")


def _lines(axes):
  """Returns the lines of an axes by their label."""
  return {
    container.get_label(): container.lines[0] for container in axes.containers
  }


def test_curves_are_the_figures_in_the_color_of_their_method(results):
  axes = Figure().subplots()
  held_out = results["held_out"]
  drawing.draw_recall(
    axes,
    drawing.of_methods(held_out, "recall_levels", "precision_at_recall"),
  )
  lines = _lines(axes)
  assert len(lines) == len(held_out)
  for name, scores in held_out.items():
    line = lines[descriptions.method(name).name]
    np.testing.assert_array_equal(line.get_xdata(), scores["recall_levels"])
    np.testing.assert_array_equal(
      line.get_ydata(), scores["precision_at_recall"]
    )
    assert line.get_color() == styles.style(name).color


def test_methods_without_a_curve_are_left_out():
  metrics = {
    "dsth": {"grid": [1], "curve": [0.5]},
    "itq": {"grid": [1], "curve": None},
    "lsh": {"grid": [1]},
  }
  found = drawing.of_methods(metrics, "grid", "curve")
  assert [series.label for series in found] == ["DSTH"]


def test_the_first_series_is_on_top():
  axes = Figure().subplots()
  drawing.draw(axes, [Series(name, STYLE, [1], [1]) for name in "abc"])
  assert list(_lines(axes)) == ["c", "b", "a"]


def test_bars_are_the_spread():
  axes = Figure().subplots()
  series = Series("a", STYLE, [16, 32], [0.3, 0.4], [0.01, 0.02])
  drawing.draw_by_length(axes, [series], [16, 32, 48])
  _, _, (bars,) = axes.containers[0]
  reach = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
  np.testing.assert_allclose(reach, series.spread)
  assert axes.get_xticks().tolist() == [16, 32, 48]


def test_published_figures_are_hollow():
  axes = Figure().subplots()
  drawing.draw(
    axes,
    [
      Series("measured", STYLE, [1], [1]),
      Series("published", STYLE, [1], [1], hollow=True),
    ],
  )
  faces = {
    name: line.get_markerfacecolor() for name, line in _lines(axes).items()
  }
  assert faces == {"measured": STYLE.color, "published": "none"}


def test_radars_are_closed_lines_over_equal_angles():
  axes = Figure().add_subplot(projection="polar")
  names, figures = list("abcde"), [0.1, 0.2, 0.3, 0.4, 0.5]
  drawing.draw_radar(axes, [Series("s", STYLE, [], figures)], names, 0.6)
  line = _lines(axes)["s"]
  assert line.get_ydata().tolist() == [*figures, figures[0]]
  angles = line.get_xdata().astype(float)
  np.testing.assert_allclose(np.diff(angles[:-1]), 2 * np.pi / 5)
  assert angles[0] == angles[-1]
  assert axes.get_ylim() == (0, 0.6)
  assert [label.get_text() for label in axes.get_xticklabels()] == names


def test_radars_leave_a_gap_where_a_figure_is_missing():
  axes = Figure().add_subplot(projection="polar")
  figures = [0.1, float("nan"), 0.3]
  drawing.draw_radar(axes, [Series("s", STYLE, [], figures)], list("abc"), 1.0)
  drawn = _lines(axes)["s"].get_ydata().astype(float)
  np.testing.assert_array_equal(drawn, [*figures, 0.1])


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_names_around_a_radar_point_away_from_it(number):
  axes = Figure().add_subplot(projection="polar")
  series = [Series("s", STYLE, [], [1, 1, 1, 1])]
  drawing.draw_radar(axes, series, ["top", "right", "bottom", "left"], 1.0)
  label = axes.get_xticklabels()[number]
  # Text that starts at its place lies to the right of it.
  expected = {"right": "left", "left": "right"}.get(label.get_text(), "center")
  assert label.get_horizontalalignment() == expected
