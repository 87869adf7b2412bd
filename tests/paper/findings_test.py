"""The findings: which pairs they compare, and what they say of them."""

import pytest
from support import paper_results

from dsth_jax.paper import experiments, findings
from dsth_jax.paper.results import Key

NAMES = ("BatchNorm", "Slice", "A backbone", "SimpleNet", "ReLU", "Labels")


def _find(measured):
  found = findings.find(measured)
  assert all(each.text.startswith(name) for each, name in zip(found, NAMES))
  return dict(zip(NAMES, found))


def _key(**fields):
  key = Key("cifar10", "googlenet", "slice", "batchnorm", False, "dsth", 48)
  return key._replace(**fields)


def _cells(**qualities):
  """Cells of one configuration with other activations, by their maximum F."""
  return {
    _key(activation=activation): {"max_f_beta_0.5": quality}
    for activation, quality in qualities.items()
  }


def test_every_pair_differs_in_one_thing():
  measured = paper_results.measured(
    activations=("batchnorm", "sigmoid", "relu")
  )
  simplenet = {
    key._replace(backbone="simplenet"): paper_results.metrics(0.2)
    for key in measured
    if key.backbone == "alexnet"
  }
  labels = {key._replace(labels=True): found for key, found in measured.items()}
  measured |= simplenet | labels
  fields = (
    "activation",
    "head",
    "backbone",
    "backbone",
    "activation",
    "labels",
  )
  for (name, finding), field in zip(_find(measured).items(), fields):
    assert finding.pairs, name
    for better, worse, difference in finding.pairs:
      other = {field: getattr(worse, field)}
      assert better._replace(**other) == worse != better
      assert difference == (
        measured[better]["max_f_beta_0.5"] - measured[worse]["max_f_beta_0.5"]
      )


def test_pairs_are_as_many_as_there_are_configurations():
  found = _find(paper_results.measured())
  # Two data sets and four lengths; the other two of three factors.
  assert [len(found[name].pairs) for name in NAMES] == [32, 32, 32, 0, 0, 0]


@pytest.mark.parametrize(
  ("sigmoid", "verdict"), [(0.4, "holds"), (0.5, "does not hold")]
)
def test_a_finding_holds_if_the_figure_is_larger(sigmoid, verdict):
  finding = _find(_cells(batchnorm=0.5, sigmoid=sigmoid))["BatchNorm"]
  assert finding.verdict == verdict


def test_a_finding_holds_mostly_in_more_than_half_of_the_pairs():
  measured = {}
  for num_bits, sigmoid in ((16, 0.4), (32, 0.4), (48, 0.6)):
    for key, found in _cells(batchnorm=0.5, sigmoid=sigmoid).items():
      measured[key._replace(num_bits=num_bits)] = found
  finding = _find(measured)["BatchNorm"]
  assert (finding.verdict, finding.num_agreeing) == ("holds mostly", 2)
  cell = findings.table(findings.find(measured)).rows[0].cells[1]
  assert cell.text == "2 of 3"
  assert cell.note.startswith("+0.033, from ")


def test_equal_figures_are_counted():
  cells = findings.table(findings.find(_cells(batchnorm=0.5, sigmoid=0.5)))
  assert cells.rows[0].cells[1].text == "0 of 1, 1 equal"


def test_what_was_not_measured_is_said():
  table = findings.table(findings.find({}))
  assert [row.cells[0].text for row in table.rows] == ["not measured"] * 6
  assert [row.cells[1].text for row in table.rows] == ["\N{EN DASH}"] * 6


def test_figures_that_are_missing_make_no_pair():
  for missing in (None, float("nan")):
    cells = _cells(batchnorm=0.5, sigmoid=missing)
    assert not _find(cells)["BatchNorm"].pairs


def test_other_methods_and_this_packages_labels_make_no_pair():
  cells = {
    key._replace(method=method): found
    for method in ("itq", "dsth_diffusion")
    for key, found in _cells(batchnorm=0.5, sigmoid=0.4).items()
  }
  assert not _find(cells)["BatchNorm"].pairs


def test_backbones_are_ordered_by_their_measured_precision():
  def classified(backbone, precision):
    key = Key("cifar10", backbone, "", "", True, experiments.CLASSIFICATION, 0)
    return {key: {experiments.CLASSIFICATION: precision}}

  measured = {
    _key(): {"max_f_beta_0.5": 0.5},
    _key(backbone="alexnet"): {"max_f_beta_0.5": 0.6},
  }
  by_imagenet = _find(measured)["A backbone"].pairs
  assert [pair.better.backbone for pair in by_imagenet] == ["googlenet"]
  measured |= classified("googlenet", 0.7) | classified("alexnet", 0.8)
  by_precision = _find(measured)["A backbone"].pairs
  assert [pair.better.backbone for pair in by_precision] == ["alexnet"]
  assert by_precision[0].difference == pytest.approx(0.1)


def test_backbones_without_a_known_precision_are_not_compared():
  measured = {
    _key(): {"max_f_beta_0.5": 0.5},
    _key(backbone="model.onnx"): {"max_f_beta_0.5": 0.6},
  }
  assert not _find(measured)["A backbone"].pairs


@pytest.mark.parametrize(
  ("gain", "verdict"),
  [(0.3, "does not hold"), (0.06, "holds"), (-0.3, "holds")],
)
def test_labels_add_little_up_to_the_papers_largest_gain(gain, verdict):
  measured = {
    _key(labels=False): {"max_f_beta_0.5": 0.5},
    _key(labels=True): {"max_f_beta_0.5": 0.5 + gain},
  }
  assert _find(measured)["Labels"].verdict == verdict


def test_the_paper_is_counted_in_the_same_way():
  found = _find({})
  assert len(found["BatchNorm"].published) == 16
  assert len(found["Slice"].published) == 16
  assert len(found["A backbone"].published) == 16
  gains = [-pair.difference for pair in found["Labels"].published]
  assert gains == pytest.approx([0.63795 - 0.66658, 0.59674 - 0.53190])
  # Its own numbers of this package's table, counted by hand in Table III.
  assert findings.count(found["BatchNorm"].published) == 13
  # On STL-10, AlexNet classifies better, and GoogLeNet's codes are better.
  assert not any(
    pair.difference > 0
    for pair in found["A backbone"].published
    if pair.better.dataset == "stl10"
  )
