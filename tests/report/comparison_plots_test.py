import io

import numpy as np
from PIL import Image

from dsth_jax.report import styles
from dsth_jax.report.comparison import plots


def test_every_plot_is_there_as_png_and_pdf(compared):
  files = dict(plots.files(compared))
  assert list(files) == list(plots.FILES)
  for name, content in files.items():
    if name.endswith(".pdf"):
      assert content.startswith(b"%PDF-"), name
      continue
    with Image.open(io.BytesIO(content)) as picture:
      picture.load()
      assert picture.format == "PNG", name
      assert picture.width > 1.5 * picture.height


def test_series_by_length_are_the_figures(compared):
  by_bits = compared["methods"]["itq"]
  series = plots._series(by_bits, "nc3p", "itq", styles.style("itq"))
  assert series.x == [16, 32]
  means, spreads = (
    [by_bits[bits][part]["nc3p"] for bits in ("16", "32")]
    for part in ("mean", "spread")
  )
  np.testing.assert_array_equal(series.y, means)
  np.testing.assert_array_equal(series.spread, spreads)
  assert series.style == styles.style("itq")


def test_panels_by_length_include_the_f_measure_of_figure_2(compared):
  titles = plots.qualities(compared)
  assert titles["max_f_beta_0.5"] == "Max F, beta 0.5"
  assert "max_f_beta_0.25" not in titles
  figure = plots.by_length(compared, titles)
  assert [axes.get_title("left") for axes in figure.axes] == list(
    titles.values()
  )
  lines = {
    container.get_label(): container.lines[0].get_ydata().tolist()
    for container in figure.axes[
      list(titles).index("max_f_beta_0.5")
    ].containers
  }
  ceiling = compared["ceiling"]["max_f_beta_0.5"]
  assert lines["Backbone features, cosine"] == [ceiling, ceiling]
  by_bits = compared["methods"]["dsth"]
  assert lines["DSTH"] == [
    by_bits[bits]["mean"]["max_f_beta_0.5"] for bits in ("16", "32")
  ]
