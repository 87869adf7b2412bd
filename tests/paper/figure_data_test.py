"""What the paper's figures show: the measured figures, and the published."""

import pytest
from support import paper_results

from dsth_jax.paper import figure_data, published, radar
from dsth_jax.paper.results import Key

LITE0 = "efficientnet_lite0"
LITE0_NAME = "EfficientNet-Lite0 in place of GoogLeNet"
CONTRASTS = [
  ("fig3", "cifar10", 48),
  ("fig4", "stl10", 32),
  ("fig5", "cifar100_coarse", 48),
  ("fig6", "cifar100_fine", 48),
]
ALL = ("cifar10", "stl10", "cifar100_coarse", "cifar100_fine")


def _dsth(dataset="cifar10", backbone=LITE0, num_bits=48, **fields):
  key = Key(dataset, backbone, "slice", "batchnorm", False, "dsth", num_bits)
  return key._replace(**fields)


def _lines(panel, *, hollow=False):
  return {
    series.label: series for series in panel.series if series.hollow == hollow
  }


def test_figure_2_has_the_f_measure_of_each_length():
  measured = paper_results.measured(ALL)
  shown = figure_data.make("fig2", measured, paper_results.context())
  assert [panel.title for panel in shown] == [
    *("(a) CIFAR-10", "(b) STL-10"),
    *("(c) CIFAR-100 coarse", "(d) CIFAR-100 fine"),
  ]
  for dataset, panel in zip(ALL, shown):
    lines = _lines(panel)
    assert len(lines) == 2 * 4
    series = lines[f"{LITE0_NAME}, Slice+BatchNorm"]
    assert series.x == [16, 32, 48, 64]
    assert series.y == [
      measured[_dsth(dataset, num_bits=bits)]["max_f_beta_0.5"]
      for bits in series.x
    ]


def test_figure_2_has_the_published_points():
  shown = figure_data.make("fig2", {}, paper_results.context())
  points = [
    (series.x[0], series.y[0])
    for panel in shown
    for series in panel.series
    if series.hollow
  ]
  expected = [
    (key.num_bits, found["max_f_beta_0.5"])
    for key, found in published.table("table3").items()
  ]
  assert sorted(points) == sorted(expected)
  assert all(panel.title.endswith(", only published") for panel in shown)


@pytest.mark.parametrize(("name", "dataset", "num_bits"), CONTRASTS)
def test_figures_3_to_6_have_measured_beside_published_curves(
  name, dataset, num_bits
):
  measured = paper_results.measured([dataset], num_bits=[16, num_bits])
  context = paper_results.context()
  here, there, *_ = figure_data.make(name, measured, context)
  series = _lines(here)["AlexNet, MLP+Sigmoid"]
  key = Key(dataset, "alexnet", "mlp", "sigmoid", False, "dsth", num_bits)
  assert series.x == measured[key]["recall_levels"]
  assert series.y == measured[key]["precision_at_recall"]
  printed = _lines(there, hollow=True)
  # What was published is of the paper's backbone, also where another stands in.
  names = {
    label: label.replace(LITE0_NAME, "GoogLeNet") for label in _lines(here)
  }
  assert set(printed) == set(names.values())
  assert not _lines(there)
  row = published.table("table3")[key]
  assert printed["AlexNet, MLP+Sigmoid"].y == row["precision_at_recall"]
  for label, line in _lines(here).items():
    assert printed[names[label]].style == line.style


@pytest.mark.parametrize(("name", "dataset", "num_bits"), CONTRASTS)
def test_radars_compare_configurations_and_backbones(name, dataset, num_bits):
  measured = paper_results.measured([dataset], num_bits=[num_bits])
  simplenet = _dsth(dataset, "simplenet", num_bits)
  measured[simplenet] = paper_results.metrics(0.2)
  panels = figure_data.make(name, measured, paper_results.context())
  by_configuration, by_backbone = map(_lines, panels[2:])
  assert "EfficientNet-Lite0" in panels[2].title
  assert [label.rpartition(", ")[2] for label in by_configuration] == [
    *("Slice+BatchNorm", "Slice+Sigmoid"),
    *("MLP+BatchNorm", "MLP+Sigmoid"),
  ]
  assert set(by_backbone) == {LITE0_NAME, "AlexNet", "SimpleNet"}
  assert by_backbone["SimpleNet"].y == radar.figures(
    measured[simplenet], dataset
  )
  colors = [series.style.color for series in by_backbone.values()]
  assert len(set(colors)) == 3


@pytest.mark.parametrize(
  ("name", "labels", "num_methods"), [("fig7", False, 7), ("fig8", True, 4)]
)
def test_figures_7_and_8_have_each_method(name, labels, num_methods):
  names = figure_data.METHODS[name]
  measured = paper_results.methods(names)
  for dataset in ("cifar10", "stl10"):
    for num_bits in (32, 48):
      key = _dsth(dataset, num_bits=num_bits, labels=labels)
      measured[key] = paper_results.metrics(0.6)
      # Of the other figure, which this one leaves out.
      measured[key._replace(labels=not labels)] = paper_results.metrics(0.1)
  panels = figure_data.make(name, measured, paper_results.context())
  assert [panel.title[:3] for panel in panels] == [
    f"({letter})" for letter in "abcdefgh"
  ]
  assert [panel.kind for panel in panels] == [
    *("recall", "returned") * 2,
    *["length"] * 4,
  ]
  for panel in panels:
    lines = _lines(panel)
    assert len(lines) == 1 + num_methods
  recall = _lines(panels[2])["DSTH"]
  found = measured[_dsth("stl10", num_bits=32, labels=labels)]
  assert recall.y == found["precision_at_recall"]
  assert _lines(panels[3])["DSTH"].y == found["precision_of_returned"]
  by_length = _lines(panels[7])["DSTH"]
  assert (by_length.x, by_length.y) == ([32, 48], [found["nc3p"]] * 2)
  printed = _lines(panels[0], hollow=True)["DSTH, published (Table IV)"]
  table = published.table("table4")
  key = _dsth(backbone="googlenet", labels=labels)
  assert printed.y == table[key]["precision_at_recall"]


def test_methods_are_told_apart():
  names = figure_data.METHODS["fig7"]
  measured = paper_results.methods(names) | paper_results.measured()
  (panel, *_) = figure_data.make("fig7", measured, paper_results.context())
  styles = [series.style for series in _lines(panel).values()]
  assert len({style.color for style in styles}) == len(styles) == 8
  assert len({style.marker for style in styles}) == len(styles)


def test_deep_methods_from_pixels_take_the_place_of_heads():
  measured = paper_results.methods(["cnnh_simplenet"])
  (panel, *_) = figure_data.make("fig8", measured, paper_results.context())
  assert list(_lines(panel)) == ["CNNH, SimpleNet"]


def test_panels_without_lines_have_the_reason():
  context = paper_results.context(missing={"stl10": "Get the archive."})
  panels = figure_data.make("fig4", {}, context)
  assert [panel.empty for panel in panels if not panel.series] == [
    "Get the archive."
  ] * 3


def test_backbones_with_one_stand_in_are_shown_once():
  context = paper_results.context(
    stand_ins={"googlenet": LITE0, "alexnet": LITE0}
  )
  measured = paper_results.measured(backbones=[LITE0])
  (panel, *_) = figure_data.make("fig2", measured, context)
  assert len(_lines(panel)) == 4


def test_other_figures_are_refused():
  with pytest.raises(ValueError, match=r"is fig1, .* are fig2, fig3"):
    figure_data.make("fig1", {}, paper_results.context())
