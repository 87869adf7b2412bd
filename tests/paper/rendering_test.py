"""All files of an experiment, and its page."""

import pytest
from matplotlib.figure import Figure
from support import paper_results
from support.pages import Page

from dsth_jax.paper import figure_data, figures, rendering, tables
from dsth_jax.paper.results import Key

HOSTILE = "<script>&"


def _render(name, **fields):
  context = paper_results.context(**fields)
  return rendering.render(name, paper_results.measured(["cifar10"]), context)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
  ("name", "kinds"),
  [
    *((name, ("md", "csv", "tex")) for name in tables.NAMES),
    *((name, ("png", "pdf", "csv")) for name in figure_data.NAMES),
    ("ablations", ()),
  ],
)
def test_files_are_those_of_the_experiment(name, kinds, monkeypatch):
  monkeypatch.setattr(figures, "draw", lambda *_: Figure())
  files = _render(name)
  own = {f"{name}.{kind}" for kind in kinds}
  assert set(files) == {*own, "findings.md", "index.html"}
  assert set(files) <= set(rendering.FILES)
  assert list(files) == sorted(files, key=rendering.FILES.index)
  page = files["index.html"].decode()
  for other in set(files) - {"index.html"}:
    assert other in page


def test_the_page_has_every_cell_and_loads_nothing():
  files = _render("table4")
  page = Page(files["index.html"].decode())
  assert page.loads_nothing()
  shown = files["table4.md"].decode()
  assert "0.94169" in shown
  assert "0.94169" in page.text
  assert "EfficientNet-Lite0 in place of GoogLeNet" in page.text
  assert "holds" in page.text


def test_the_page_has_the_figure_for_light_and_dark():
  page = Page(_render("fig2")["index.html"].decode())
  assert page.loads_nothing()
  assert sum(tag in ("img", "source") for tag, _ in page.addresses()) == 2


def test_table_5_says_how_far_the_publishers_map_is_from_ours():
  cells = {
    Key("holidays1m", "vgg16", "", "", False, name, 16): {
      "mean_average_precision": ours,
      "map_trapezium": theirs,
      "hd3p": 0.5,
    }
    for name, ours, theirs in (("aibc", 0.5, 0.49), ("deepbit", 0.4, 0.37))
  }
  context = paper_results.context(stand_ins={})
  files = rendering.render("table5", cells, context)
  for name in ("table5.md", "table5.tex", "index.html"):
    text = files[name].decode()
    for part in ("lower by 0.0200, the mean of 2", "from 0.0100 to 0.0300"):
      assert part in " ".join(text.split())
  assert "trapezium" not in _render("table3")["table3.md"].decode()


def test_failures_are_named_and_escaped():
  key = Key("stl10", HOSTILE, "mlp", "relu", True, "dsth", 32)
  fields = {"failed": {key: f"It is {HOSTILE}."}, "missing": {HOSTILE: HOSTILE}}
  files = _render("table3", **fields)
  page = files["index.html"].decode()
  assert HOSTILE not in page
  text = Page(page).text
  assert f"STL-10, DSTH, {HOSTILE}, MLP+ReLU, with labels, 32 bits failed" in (
    text
  )
  assert f"It is {HOSTILE}." in text
  assert HOSTILE not in files["findings.md"].decode()
