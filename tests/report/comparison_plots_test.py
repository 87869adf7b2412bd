import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from dsth_jax.report import styles
from dsth_jax.report.comparison import plots


def test_pictures_are_png(compared):
  files = dict(plots.files(compared))
  assert set(files) == set(plots.FILES)
  for name, content in files.items():
    with Image.open(io.BytesIO(content)) as picture:
      picture.load()
      assert picture.format == "PNG", name
      assert picture.width > 2 * picture.height


def test_curves_by_length_are_the_figures(compared):
  axes = Figure().subplots()
  by_bits = compared["methods"]["itq"]
  plots._draw(axes, by_bits, "nc3p", "itq")
  line, _, (bars,) = axes.containers[0]
  assert line.get_xdata().tolist() == [16, 32]
  means = [by_bits[bits]["mean"]["nc3p"] for bits in ("16", "32")]
  np.testing.assert_array_equal(line.get_ydata(), means)
  assert line.get_color() == styles.style("itq").color
  reach = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
  spreads = [by_bits[bits]["spread"]["nc3p"] for bits in ("16", "32")]
  np.testing.assert_allclose(reach, spreads)
